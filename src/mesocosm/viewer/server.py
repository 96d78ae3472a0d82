"""The server: one page and its sockets, all behind a token, on this machine. No path leads to a file."""

from __future__ import annotations

import secrets
import socket
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

import uvicorn
from anyio import to_thread
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import HTMLResponse, PlainTextResponse, Response
from starlette.routing import Route, WebSocketRoute
from starlette.websockets import WebSocket, WebSocketDisconnect

from mesocosm.player.encoder.bytes import answer
from mesocosm.player.encoder.encoder import Planes
from mesocosm.record import MesocosmError
from mesocosm.record.errors import FolderError, NotYetError
from mesocosm.viewer import share
from mesocosm.viewer.home import Home, Room, home_question
from mesocosm.viewer.live import Live
from mesocosm.viewer.opening import Place
from mesocosm.viewer.page import home_page, page
from mesocosm.viewer.questions import BadQuestion, question

_LONGEST_QUESTION = 4096
_OWN_NAMES = ("127.0.0.1", "localhost", "::1")
ANYWHERE = ("0.0.0.0", "::")


def application(shown: Sequence[Place | Live] | Home, token: str, title: str, host: str = "127.0.0.1") -> Starlette:
    """Page and socket at `/TOKEN/`; of a home also those of its rooms, at `/TOKEN/ROOM/`.

    A stranger's page (Origin) and a stranger's name for us (Host) are refused.
    """
    site = _Site(shown if isinstance(shown, Home) else Room(list(shown), title), token, host.lower())
    routes = [
        found
        for place in ("/{token}/", "/{token}/{room}/")
        for found in (Route(place, site.show), WebSocketRoute(f"{place}socket", site.talk))
    ]
    return Starlette(routes=[*routes, Route("/{token}/{room}/report", site.report), Route("/{path:path}", _nowhere)])


async def _nowhere(request: Request) -> Response:
    return PlainTextResponse("Not here. The address that `mesocosm watch` printed holds a token.", 404)


@dataclass(frozen=True)
class _Site:
    """A home with its rooms, or one room alone, for those who know the token."""

    shown: Home | Room
    token: str
    host: str

    async def show(self, request: Request) -> Response:
        asked = self._asked_for(request)
        if asked is None:
            return await _nowhere(request)
        if isinstance(asked, Home):
            html, policy = await to_thread.run_sync(home_page, asked)
        else:
            is_live, is_at_home = any(isinstance(place, Live) for place in asked.places), isinstance(self.shown, Home)
            html, policy = page(asked.title, len(asked.places), is_live, is_at_home, asked.report is not None)
        return HTMLResponse(html, headers={**_HEADERS, "Content-Security-Policy": policy})

    async def report(self, request: Request) -> Response:
        asked = self._asked_for(request)
        if not isinstance(asked, Room) or asked.report is None:
            return PlainTextResponse("Not here: this run has no report.", 404)
        content = await to_thread.run_sync(asked.report.read_bytes)
        policy = "sandbox allow-scripts allow-downloads"  # a page of no origin: it can ask nothing of us
        return Response(content, media_type="text/html", headers={**_HEADERS, "Content-Security-Policy": policy})

    async def talk(self, socket: WebSocket) -> None:
        asked, origin = self._asked_for(socket), _parts(socket.headers.get("origin") or "")[1]
        if asked is None or origin != socket.headers.get("host"):
            await socket.close(4403)
            return

        def told(text: str) -> bytes:
            return _at_home(asked, text) if isinstance(asked, Home) else _answer(asked.places, asked.title, text)

        await socket.accept()
        try:
            while True:  # an answer is sent when it is asked for, so a slow page holds nothing back but itself
                await socket.send_bytes(await to_thread.run_sync(told, await socket.receive_text()))
        except (WebSocketDisconnect, KeyError, RuntimeError):
            return  # the page has left, or sent bytes where words belong

    def _asked_for(self, asked: Request | WebSocket) -> Home | Room | None:
        """None: there is no such room, or who asks is not one of ours."""
        if not self._is_own(asked.headers.get("host")) or not _is_token(asked.path_params["token"], self.token):
            return None
        name = asked.path_params.get("room")
        return self.shown if name is None else self.shown.rooms.get(name) if isinstance(self.shown, Home) else None

    def _is_own(self, given: str | None) -> bool:
        name = _parts(f"//{given or ''}")[0]
        return name in _OWN_NAMES or name == self.host or (bool(name) and self.host in ANYWHERE)


_HEADERS = {"Referrer-Policy": "no-referrer", "Cache-Control": "no-store"}


def serve(places: Sequence[Place | Live] | Home, title: str, host: str, port: int, opened: Any) -> None:
    """Serve until Ctrl-C. `opened` is called with the address once the port is ours.

    Args:
      host: an address or name of this machine, of IPv4 or IPv6; 127.0.0.1 and ::1 are this machine alone.

    Raises:
      FolderError: if it is no address of this machine, or the port is in use.
    """
    token = secrets.token_urlsafe(16)
    family, place = _place(host, port)
    with socket.socket(family) as listening:
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listening.bind(place)
            listening.listen()  # whoever comes at once waits until the server is ready
        except OSError as error:
            raise FolderError(
                f"port {port}: cannot be used on {host} ({error.strerror}); choose another with --port, or 0 for any"
            ) from None
        own = application(places, token, title, host)
        settings = uvicorn.Config(
            own, log_level="error", access_log=False, ws_max_size=_LONGEST_QUESTION, ws_per_message_deflate=False
        )
        settings.timeout_graceful_shutdown = 1
        name = f"[{host}]" if ":" in host else host
        opened(f"http://{name}:{listening.getsockname()[1]}/{token}/")
        uvicorn.Server(settings).run([listening])


def _place(host: str, port: int) -> tuple[socket.AddressFamily, Any]:
    """Of which family an address is, and what to bind."""
    if not host:  # to `bind` this would be every address that the machine has
        raise FolderError(f"--host {host!r}: name an address; 127.0.0.1 is this machine alone, 0.0.0.0 everywhere")
    try:
        family, _, _, _, place = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
    except (OSError, UnicodeError) as error:
        why = getattr(error, "strerror", None) or error
        raise FolderError(f"--host {host}: is no address of this machine ({why}); leave it out, or say ::1") from None
    return family, place


def _parts(address: str) -> tuple[str | None, str]:
    """Host name and place of an address that a stranger gave; nothing where it is none, such as `//[`."""
    try:
        parts = urlsplit(address)
        return parts.hostname, parts.netloc
    except ValueError:
        return None, ""


def _answer(places: Sequence[Place | Live], title: str, text: str) -> bytes:
    number = None
    try:
        asked = question(text)
        number = asked["n"]
        if asked["world"] >= len(places):
            raise BadQuestion(f"world must be below {len(places)}")
        said, planes = _said(places, title, asked)
        return answer({"n": number, "said": said}, planes)
    except NotYetError as error:
        return answer({"n": number, "error": str(error), "wait": True})
    except (BadQuestion, MesocosmError) as error:
        return answer({"n": number, "error": str(error)})
    except Exception as error:
        return answer({"n": number, "error": f"The record cannot be shown: {type(error).__name__}: {error}"})


def _at_home(house: Home, text: str) -> bytes:
    number = None
    try:
        asked = home_question(text)
        number = asked["n"]
        said, planes = house.answer(asked)
        return answer({"n": number, "said": said}, planes)
    except (BadQuestion, MesocosmError) as error:
        return answer({"n": number, "error": str(error)})
    except Exception as error:
        return answer({"n": number, "error": f"That cannot be done: {type(error).__name__}: {error}"})


def _said(places: Sequence[Place | Live], title: str, asked: dict[str, Any]) -> tuple[dict[str, Any], Planes]:
    match asked["ask"]:
        case "shipped":
            return {}, {"content": share.standing_in(places)}
        case "page":
            content = share.page_of([place.world() for place in places], title, asked["from"], asked["to"])
            return {}, {"content": content}
    world = places[asked["world"]].world()
    match asked["ask"]:
        case "meta":
            return world.meta(), {}
        case "frame":
            return world.frame(asked["t"], asked.get("want"))
        case "individual":
            return world.individual(asked["id"], asked["t"]), {}
    if not isinstance(world, Live):
        raise BadQuestion("this world is recorded: it is not running")
    if asked["ask"] == "do":
        return world.do(asked["wish"]), {}
    return world.newest(asked["after"], asked["serial"], asked.get("want"))


def _is_token(given: str, token: str) -> bool:
    return secrets.compare_digest(given.encode(), token.encode())
