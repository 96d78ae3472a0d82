"""The server: one page and its sockets, all behind a token, on this machine. No path leads to a file."""

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

from mesocosm.player.encoder.bytes import answer
from mesocosm.player.encoder.encoder import Planes
from mesocosm.record import MesocosmError
from mesocosm.record.errors import FolderError
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
    house = shown if isinstance(shown, Home) else None
    hall = None if isinstance(shown, Home) else Room(list(shown), title)

    def is_own(given: str | None) -> bool:
        name = _parts(f"//{given or ''}")[0]
        return name in _OWN_NAMES or name == host.lower() or (bool(name) and host in ANYWHERE)

    def room_of(asked: Request | WebSocket) -> Room | None:
        """Which room is asked for; None: there is none, or it is the home itself."""
        name = asked.path_params.get("room")
        return hall if name is None else house.rooms.get(name) if house else None

    def is_ours(asked: Request | WebSocket) -> bool:
        return is_own(asked.headers.get("host")) and _is_token(asked.path_params["token"], token)

    async def show(request: Request) -> Response:
        room, is_home = room_of(request), house is not None and "room" not in request.path_params
        if not is_ours(request) or not (room or is_home):
            return PlainTextResponse("Not here. The address that `mesocosm watch` printed holds a token.", 404)
        if room is not None:
            is_live, has_report = any(isinstance(place, Live) for place in room.places), room.report is not None
            html, policy = page(room.title, len(room.places), is_live, house is not None, has_report)
        else:
            assert house is not None
            html, policy = await to_thread.run_sync(home_page, house)
        return HTMLResponse(html, headers={**_HEADERS, "Content-Security-Policy": policy})

    async def report(request: Request) -> Response:
        room = room_of(request)
        if not is_ours(request) or room is None or room.report is None:
            return PlainTextResponse("Not here: this run has no report.", 404)
        content = await to_thread.run_sync(room.report.read_bytes)
        policy = "sandbox allow-scripts allow-downloads"  # a page of no origin: it can ask nothing of us
        return Response(content, media_type="text/html", headers={**_HEADERS, "Content-Security-Policy": policy})

    async def talk(socket: WebSocket) -> None:
        origin = _parts(socket.headers.get("origin") or "")[1]
        room, is_home = room_of(socket), house is not None and "room" not in socket.path_params
        if not is_ours(socket) or origin != socket.headers.get("host") or not (room or is_home):
            await socket.close(4403)
            return

        def told(text: str) -> bytes:
            if room is not None:
                return _answer(room.places, room.title, text)
            assert house is not None
            return _at_home(house, text)

        await socket.accept()
        try:
            while True:  # an answer is sent when it is asked for, so a slow page holds nothing back but itself
                await socket.send_bytes(await to_thread.run_sync(told, await socket.receive_text()))
        except (WebSocketDisconnect, KeyError, RuntimeError):
            return  # the page has left, or sent bytes where words belong

    routes = [Route("/{token}/", show), WebSocketRoute("/{token}/socket", talk)]
    routes += [Route("/{token}/{room}/", show), WebSocketRoute("/{token}/{room}/socket", talk)]
    return Starlette(routes=[*routes, Route("/{token}/{room}/report", report)])


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
