"""The service: JSON over HTTP behind a token, on this machine alone unless another address is named."""

from __future__ import annotations

import gc
import json
import secrets
import socket
import time
from collections import Counter, defaultdict
from collections.abc import Callable
from pathlib import Path
from typing import Any

import anyio
import numpy as np
import uvicorn
from anyio import to_thread
from starlette.applications import Starlette
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route

from mesocosm.record.errors import FolderError, MesocosmError
from mesocosm.record.files import write_whole
from mesocosm.rules.form import RuleForm
from mesocosm.rules.outputs import Output
from mesocosm.rules.rule import Rule, build_net, sizes_for
from mesocosm.serving.schema import openapi
from mesocosm.serving.sessions import Limits, Refused, Sessions

LOOPBACK = ("127.0.0.1", "localhost", "::1")


class Service:
    """What the routes share."""

    def __init__(self, sessions: Sessions, token: str, is_frozen: bool = False):
        self.sessions, self.token, self.is_frozen = sessions, token, is_frozen
        self.limits = sessions.limits
        self.output: Output = sessions.rule.output
        self.asked: Counter[tuple[str, int]] = Counter()
        self.seconds: defaultdict[str, float] = defaultdict(float)

    def application(self) -> Starlette:
        """All routes."""
        return Starlette(
            routes=[
                Route("/sessions/{session}/predict", self._answering("predict", self.predict), methods=["POST"]),
                Route("/openapi.json", self._answering("schema", self.schema, is_open=True)),
                Route("/metrics", self._answering("metrics", self.metrics)),
                Route("/sessions", self._answering("begin", self.begin), methods=["POST"]),
                Route("/sessions/{session}", self._answering("show", self.show), methods=["GET"]),
                Route("/sessions/{session}", self._answering("end", self.end), methods=["DELETE"]),
                Route("/sessions/{session}/learn", self._answering("learn", self.learn), methods=["POST"]),
            ],
            exception_handlers={404: _nowhere, 405: _nowhere},
        )

    def _answering(self, name: str, answer: Callable[[Request], Any], is_open: bool = False) -> Callable[..., Any]:
        """The answer of a route; what is refused is a sentence with its status."""

        async def route(request: Request) -> Response:
            began = time.perf_counter()
            try:
                if not is_open:
                    self._check_token(request)
                response = await answer(request)
            except Refused as error:
                response = JSONResponse({"error": str(error)}, error.status)
            except MesocosmError as error:  # examples that a rule cannot learn from
                response = JSONResponse({"error": str(error)}, 422)
            except ClientDisconnect:
                response = Response(status_code=499)  # nobody hears it
            self.asked[name, response.status_code] += 1
            self.seconds[name] += time.perf_counter() - began
            return response

        return route

    def _check_token(self, request: Request) -> None:
        given = request.headers.get("authorization", "")
        if not secrets.compare_digest(given.encode(), f"Bearer {self.token}".encode()):
            raise Refused(401, "say who you are: Authorization: Bearer TOKEN, as `mesocosm serve` printed it")

    # -- routes ----------------------------------------------------------------------------------------------------

    async def schema(self, request: Request) -> Response:
        return JSONResponse(openapi(self.limits, self.is_frozen, self.output))

    async def metrics(self, request: Request) -> Response:
        """Counters in the text format of Prometheus."""
        lines = ["# TYPE mesocosm_requests_total counter"]
        for (name, status), n in sorted(self.asked.items()):
            lines.append(f'mesocosm_requests_total{{route="{name}",status="{status}"}} {n}')
        lines.append("# TYPE mesocosm_request_seconds_total counter")
        lines += [f'mesocosm_request_seconds_total{{route="{k}"}} {v:.6f}' for k, v in sorted(self.seconds.items())]
        lines += ["# TYPE mesocosm_sessions gauge", f"mesocosm_sessions {len(self.sessions)}"]
        return PlainTextResponse("\n".join(lines) + "\n")

    async def begin(self, request: Request) -> Response:
        return JSONResponse({"session": await to_thread.run_sync(self.sessions.begin), "examples": 0}, 201)

    async def show(self, request: Request) -> Response:
        session = await self._session(request)
        return JSONResponse({"session": request.path_params["session"], "examples": session.learnt})

    async def end(self, request: Request) -> Response:
        await to_thread.run_sync(self.sessions.end, request.path_params["session"])
        return Response(status_code=204)

    async def learn(self, request: Request) -> Response:
        if self.is_frozen:
            raise Refused(403, "this service is frozen: it predicts, and learns nothing")
        await self._session(request)
        asked = await self._asked(request, {"x", "y", "after"})
        x, after = self._examples(asked, in_pairs=self.output == "order"), asked.get("after")
        y = _told(self.output, asked.get("y"), x.shape[0])
        if after is not None and (not isinstance(after, int) or isinstance(after, bool) or not 0 <= after < 2**63):
            raise Refused(422, f"after = {after!r:.40}: must be a whole number, the examples learnt from before")
        self._check_size(x, y)
        name = request.path_params["session"]
        learnt = await to_thread.run_sync(self.sessions.learn, name, x, y, after)
        return JSONResponse({"examples": learnt})

    async def predict(self, request: Request) -> Response:
        await self._session(request)
        x = self._examples(await self._asked(request, {"x"}))
        name = request.path_params["session"]
        if self.sessions.is_quick(name, x):
            answers = self.sessions.predict(name, x)
        else:
            answers = await to_thread.run_sync(self.sessions.predict, name, x)
        told = np.round(answers, 6).tolist()
        if self.output == "classes":
            return JSONResponse({"y": answers.argmax(axis=1).tolist(), "logits": told})
        return JSONResponse({"y": told if self.output == "numbers" else [score for (score,) in told]})

    # -- what was asked --------------------------------------------------------------------------------------------

    async def _session(self, request: Request) -> Any:
        name = request.path_params["session"]
        session = self.sessions.at_hand(name) or await to_thread.run_sync(self.sessions.find, name)
        if not session.may_ask(self.limits.rate):
            raise Refused(429, f"more than {self.limits.rate:g} requests a second; ask more slowly")
        return session

    async def _asked(self, request: Request, known: set[str]) -> dict[str, Any]:
        """The body as an object, if it is small and comes in time."""
        body = bytearray()
        with anyio.move_on_after(self.limits.seconds) as scope:
            async for part in request.stream():
                body += part
                if len(body) > self.limits.body:
                    raise Refused(413, f"the request is longer than {self.limits.body} bytes; send fewer examples")
        if scope.cancelled_caught:
            raise Refused(408, f"the request did not arrive within {self.limits.seconds:g} seconds")
        try:
            asked = json.loads(bytes(body))
        except (ValueError, RecursionError):
            raise Refused(400, "the request is no JSON; see /openapi.json") from None
        if not isinstance(asked, dict):
            raise Refused(422, "the request must be an object; see /openapi.json")
        if unknown := sorted(set(asked) - known):
            raise Refused(422, f"{unknown[0][:40]}: there is no such field; known are {', '.join(sorted(known))}")
        return asked

    def _examples(self, asked: dict[str, Any], in_pairs: bool = False) -> np.ndarray:
        """Examples [examples, numbers], or pairs of them [pairs, 2, numbers], finite."""
        x = asked.get("x")
        if in_pairs:
            if not isinstance(x, list) or not x or not all(isinstance(pair, list) and len(pair) == 2 for pair in x):
                raise Refused(422, "x: must be a list of pairs, each of two examples: this rule puts things in order")
            one_by_one = self._examples({"x": [example for pair in x for example in pair]})
            return one_by_one.reshape(len(x), 2, -1)
        if not isinstance(x, list) or not x or not all(isinstance(row, list) and row for row in x):
            raise Refused(422, "x: must be a list of examples, each a list of numbers")
        if len(x) > self.limits.examples:
            raise Refused(413, f"x: holds {len(x)} examples; {self.limits.examples} at most, send several requests")
        if (n := max(len(row) for row in x)) > self.limits.numbers:
            raise Refused(413, f"x: an example has {n} numbers; {self.limits.numbers} at most")
        try:
            array = np.array(x)
        except ValueError:
            raise Refused(422, "x: examples must have equally many numbers") from None
        if array.ndim != 2 or array.dtype.kind not in "iuf" or not np.isfinite(array).all():
            raise Refused(422, "x: must hold finite numbers only")
        return array.astype(np.float64)

    def _check_size(self, x: np.ndarray, y: np.ndarray) -> None:
        """That the net which such examples ask for is not too large: its inputs and outputs are the client's to say."""
        rule, limits = self.sessions.rule, self.limits
        outputs = y.shape[1] if y.ndim == 2 else int(y.max()) + 1 if rule.classes is None else rule.classes
        if rule.classes is None and outputs > limits.outputs:
            raise Refused(413, f"y: asks for {outputs} outputs; {limits.outputs} at most")
        if not isinstance(rule.form, RuleForm):
            return  # eyes bring every image to a size of their own
        sizes = sizes_for(rule.form, x.shape[-1], rule.hidden, outputs)
        if (n := build_net(rule.form, sizes).n_connections) > limits.connections:
            told = ", ".join(map(str, sizes))
            most = f"{limits.connections} at most, send fewer numbers an example"
            raise Refused(413, f"x: a net of {told} neurons has {n} connections; {most}")


def _told(output: Output, y: Any, n: int) -> np.ndarray:
    """What is told of n examples: classes [n], numbers [n, outputs], or what is above [n, 1]."""
    if output == "classes":
        if not isinstance(y, list) or not all(isinstance(v, int) and not isinstance(v, bool) for v in y):
            raise Refused(422, "y: must be a list of whole numbers, a class for each example")
        if len(y) != n:
            raise Refused(422, f"y: has {len(y)} classes for {n} examples")
        if any(not 0 <= v < 2**31 for v in y):
            raise Refused(422, "y: classes are numbered from 0")
        return np.array(y, np.int64)
    rows = [row if isinstance(row, list) else [row] for row in y] if isinstance(y, list) else []
    is_right = all(isinstance(v, int | float) and not isinstance(v, bool) for row in rows for v in row)
    if len(rows) != n or not is_right or not all(rows) or len({len(row) for row in rows}) != 1:
        of_pair = "1 where the first of a pair is above the second, 0 where it is below, 0.5 of equals"
        wanted = of_pair if output == "order" else "a number, or a row of them, for each example"
        raise Refused(422, f"y: must be a list of {n}: {wanted}")
    try:
        return np.array(rows, np.float64)  # what is out of its range is refused by the rule
    except OverflowError:  # JSON has whole numbers of any length
        raise Refused(422, "y: must hold finite numbers only") from None


async def _nowhere(request: Request, error: Exception) -> Response:
    status = getattr(error, "status_code", 404)
    return JSONResponse({"error": "there is nothing here; /openapi.json says what there is"}, status)


def token_of(folder: Path) -> str:
    """The token of a folder of sessions, the same for all servers that ever serve it; for this account alone."""
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    path = folder / "token"
    if not path.is_file():
        write_whole(path, secrets.token_urlsafe(24).encode())
        path.chmod(0o600)
    return path.read_text("ascii").strip()


def serve(
    rule: Rule, folder: Path, host: str, port: int, limits: Limits, is_frozen: bool, opened: Callable[[str, str], None]
) -> None:
    """Serve until Ctrl-C. `opened` is called with address and token once the port is ours.

    Raises:
      FolderError: if the address or the port cannot be used.
    """
    token = token_of(folder)
    service = Service(Sessions(rule, folder, limits), token, is_frozen)
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family) as listening:
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listening.bind((host, port))
            listening.listen()
        except OSError as error:
            raise FolderError(
                f"port {port}: cannot be used on {host} ({error.strerror}); choose another with --port, or 0 for any"
            ) from None
        settings = uvicorn.Config(service.application(), log_level="error", access_log=False)
        settings.timeout_graceful_shutdown = 1
        name = f"[{host}]" if ":" in host else host
        gc.collect()
        gc.freeze()  # what is there stays: to look through all of jax again and again would hold up an answer
        opened(f"http://{name}:{listening.getsockname()[1]}", token)
        uvicorn.Server(settings).run([listening])
