"""The server: one page and one socket, both behind a token, on this machine. No path leads to a file."""

from __future__ import annotations

import secrets
import socket
from collections.abc import Sequence
from typing import Any
from urllib.parse import urlsplit

import uvicorn
from anyio import to_thread
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import HTMLResponse, PlainTextResponse, Response
from starlette.routing import Route, WebSocketRoute
from starlette.websockets import WebSocket, WebSocketDisconnect

from mesocosm.record import MesocosmError
from mesocosm.record.errors import FolderError
from mesocosm.viewer.opening import Place
from mesocosm.viewer.page import page
from mesocosm.viewer.wire import BadQuestion, answer, question

HOST = "127.0.0.1"
_LONGEST_QUESTION = 4096
_OWN_NAMES = ("127.0.0.1", "localhost")


def application(places: Sequence[Place], token: str, title: str) -> Starlette:
    """Page and socket at `/TOKEN/`. A stranger's page (Origin) and a stranger's name for us (Host) are refused."""
    html, policy = page(title, len(places))

    async def show(request: Request) -> Response:
        if not _is_own(request.headers.get("host")) or not _is_token(request.path_params["token"], token):
            return PlainTextResponse("Not here. The address that `mesocosm watch` printed holds a token.", 404)
        headers = {"Content-Security-Policy": policy, "Referrer-Policy": "no-referrer", "Cache-Control": "no-store"}
        return HTMLResponse(html, headers=headers)

    async def talk(socket: WebSocket) -> None:
        origin = urlsplit(socket.headers.get("origin") or "")
        is_own = _is_own(socket.headers.get("host")) and origin.netloc == socket.headers.get("host")
        if not is_own or not _is_token(socket.path_params["token"], token):
            await socket.close(4403)
            return
        await socket.accept()
        try:
            while True:  # an answer is sent when it is asked for, so a slow page holds nothing back but itself
                await socket.send_bytes(await to_thread.run_sync(_answer, places, await socket.receive_text()))
        except (WebSocketDisconnect, KeyError, RuntimeError):
            return  # the page has left, or sent bytes where words belong

    routes = [Route("/{token}/", show), WebSocketRoute("/{token}/socket", talk)]
    return Starlette(routes=routes)


def serve(places: Sequence[Place], title: str, port: int, opened: Any) -> None:
    """Serve until Ctrl-C. `opened` is called with the address once the port is ours.

    Raises:
      FolderError: if the port is in use.
    """
    token = secrets.token_urlsafe(16)
    with socket.socket() as listening:
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listening.bind((HOST, port))
            listening.listen()  # whoever comes at once waits until the server is ready
        except OSError as error:
            raise FolderError(
                f"port {port}: cannot be used ({error.strerror}); choose another with --port, or 0 for any"
            ) from None
        own = application(places, token, title)
        settings = uvicorn.Config(
            own, log_level="error", access_log=False, ws_max_size=_LONGEST_QUESTION, ws_per_message_deflate=False
        )
        settings.timeout_graceful_shutdown = 1
        opened(f"http://{HOST}:{listening.getsockname()[1]}/{token}/")
        uvicorn.Server(settings).run([listening])


def _answer(places: Sequence[Place], text: str) -> bytes:
    number = None
    try:
        asked = question(text)
        number = asked["n"]
        if asked["world"] >= len(places):
            raise BadQuestion(f"world must be below {len(places)}")
        world = places[asked["world"]].world()
        if asked["ask"] == "meta":
            return answer({"n": number, "said": world.meta()})
        if asked["ask"] == "individual":
            return answer({"n": number, "said": world.individual(asked["id"])})
        said, planes = world.frame(asked["t"])
        return answer({"n": number, "said": said}, planes)
    except (BadQuestion, MesocosmError) as error:
        return answer({"n": number, "error": str(error)})
    except Exception as error:
        return answer({"n": number, "error": f"The record cannot be shown: {type(error).__name__}: {error}"})


def _is_own(host: str | None) -> bool:
    return urlsplit(f"//{host or ''}").hostname in _OWN_NAMES


def _is_token(given: str, token: str) -> bool:
    return secrets.compare_digest(given.encode(), token.encode())
