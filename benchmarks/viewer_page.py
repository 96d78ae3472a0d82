"""What the page of `mesocosm watch` costs in Chromium (software rendering), and how soon it shows something.

The page is the real one, behind the real server. Script is counted by the browser's own tracing, its parts by its
profiler.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import socket
import threading
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import Any

import numpy as np
import uvicorn
from numpy.typing import NDArray

from mesocosm.viewer.server import application

TOKEN = "benchmark"
N_FRAMES = 150
PARTS = {
    "heard": "decode",
    "asFrame": "decode",
    "add": "decode",
    "paintField": "fields",
    "tileField": "fields",
    "drawDots": "bodies",
    "drawBodies": "bodies",
    "shadesOf": "bodies",
    "shine": "light",
    "begin": "light",
    "refresh": "charts",
    "drawCharts": "charts",
    "report": "words",
    "tell": "words",
    "show": "words",
    "(garbage collector)": "garbage",
}
"""Functions of the page, and the part that each is booked under, with all it calls."""
PLAYS = """async (n) => {
  const {player} = document.getElementById("player");
  const until = player.state.frames_drawn + n;
  while (player.state.frames_drawn < until) {
    if (!player.state.playing) player.play();  // a recording begins anew
    await new Promise((done) => setTimeout(done, 10));
  }
}"""


FILM = """async ([seconds, on_graphics]) => {
  const {player} = document.getElementById("player");
  const {view} = player.living[0];
  const told = {name: "raster", calls: 0, sent: 0};
  if (on_graphics) {
    view.dots = mesocosm.graphics(true);
    if (!view.dots) return null;
    const {gl} = view.dots;
    told.name = view.dots.name;
    const count = (method, bytes) => {
      const own = gl[method].bind(gl);
      gl[method] = (...given) => {
        own(...given);
        told.sent += bytes(...given);
        told.calls += method === "drawArrays";
      };
    };
    count("drawArrays", () => 0);
    count("bufferData", (_, values) => values.byteLength);
    count("texImage2D", (...given) => given.at(-1)?.byteLength ?? 0);
  }
  player.state.speed = 120;  // something new is due at every beat of the screen
  const drawn = [];
  const until = performance.now() + 1000 * seconds;
  let before = player.state.frames_drawn;
  await new Promise((done) => {
    const look = (now) => {
      if (!player.state.playing) player.play();
      if (player.state.frames_drawn !== before) drawn.push(now);
      before = player.state.frames_drawn;
      if (now < until) requestAnimationFrame(look);
      else done();
    };
    requestAnimationFrame(look);
  });
  return {...told, drawn};
}"""
"""Plays as fast as the screen goes, and tells when frames were drawn, and what was sent where a GPU draws."""


def chromium() -> str | None:
    names = ("chromium", "chromium-browser", "google-chrome")
    return os.environ.get("CHROMIUM") or next(filter(None, map(shutil.which, names)), None)


@contextmanager
def served(places: Any) -> Iterator[str]:
    """The server of these worlds, or of a home; its address."""
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        listening.listen()
        own = application(places, TOKEN, "benchmark")
        server = uvicorn.Server(uvicorn.Config(own, log_level="error", ws_per_message_deflate=False))
        thread = threading.Thread(target=server.run, args=([listening],))
        thread.start()
        try:
            yield f"http://127.0.0.1:{listening.getsockname()[1]}/{TOKEN}/"
        finally:
            server.should_exit = True
            thread.join()


@dataclass(frozen=True)
class Cost:
    """What a frame costs the page's thread, in milliseconds.

    Args:
      script: CPU time of script, what it makes the browser do at once included (layout, collecting garbage).
      wall: the same by the clock, with others at work on the machine.
      parts: share of each part of the player in the script, by the profiler.
    """

    script: float
    wall: float
    parts: dict[str, float]


def cost_of(address: str) -> Cost:
    """Plays the page at the address, which must show something new 20 times a second."""
    with page_at(address) as page:
        page.wait_for_function("() => window.__viewer?.frames_drawn > 0")
        page.evaluate("document.getElementById('player').player.state.speed = 20")
        page.evaluate(PLAYS, 40)  # until the browser has compiled it
        browser = page.context.browser
        browser.start_tracing(page=page, categories=["v8", "-*"])
        page.evaluate(PLAYS, N_FRAMES)
        script, wall = _script(json.loads(browser.stop_tracing())["traceEvents"])
        tools = page.context.new_cdp_session(page)
        tools.send("Profiler.enable")
        tools.send("Profiler.setSamplingInterval", {"interval": 200})
        tools.send("Profiler.start")
        page.evaluate(PLAYS, N_FRAMES)
        parts = _by_part(tools.send("Profiler.stop")["profile"])
    shares = {part: spent / parts.total() for part, spent in parts.most_common()}
    return Cost(script / N_FRAMES, wall / N_FRAMES, shares)


def _script(events: Sequence[dict[str, Any]]) -> tuple[float, float]:
    """Milliseconds of CPU and by the clock in which the browser was inside of script."""
    calls = [e for e in events if e.get("ph") == "X" and e["name"] == "v8.callFunction" and "tdur" in e]
    cpu, wall, until = 0.0, 0.0, -1.0
    for call in sorted(calls, key=lambda e: e["ts"]):
        if call["ts"] < until:
            continue  # one within another
        until = call["ts"] + call["dur"]
        cpu, wall = cpu + call["tdur"] / 1000, wall + call["dur"] / 1000
    return cpu, wall


@dataclass(frozen=True)
class Film:
    """What is drawn of a film that has something new at every beat of the screen.

    Args:
      name: what draws: the raster, or a graphics library by its own name.
      drawn: milliseconds from one frame that is drawn to the next.
      cpu: milliseconds of the processor a frame, by the browser's processes: its page (renderer), and what composes
        and, where there is no GPU, computes what a GPU would (gpu).
      script: milliseconds of CPU of the page's script a frame.
      calls, sent: calls of the graphics library that draw, and bytes sent to it, a frame.
    """

    name: str
    drawn: NDArray[np.float64]
    cpu: dict[str, float]
    script: float
    calls: float
    sent: float


def film_of(address: str, on_graphics: bool, seconds: float = 8.0) -> Film | None:
    """Plays the page at the address; None where the browser has no graphics library, not even one in software."""
    with page_at(address, *_IN_SOFTWARE * on_graphics) as page:
        page.wait_for_function("() => window.__viewer?.frames_drawn > 0")
        if page.evaluate(FILM, [3, on_graphics]) is None:  # until the browser has compiled it
            return None
        browser = page.context.browser
        browser.start_tracing(page=page, categories=["v8", "-*"])
        before = _cpu()
        told = page.evaluate(FILM, [seconds, on_graphics])
        spent = {name: cpu - before.get(name, 0) for name, cpu in _cpu().items()}
        script, _ = _script(json.loads(browser.stop_tracing())["traceEvents"])
    n = len(told["drawn"])
    cpu = {name: 1000 * seconds / n for name, seconds in spent.items()}
    return Film(told["name"], np.diff(told["drawn"]), cpu, script / n, told["calls"] / n, told["sent"] / n)


def _cpu() -> dict[str, float]:
    """Seconds of the processor that the browser's processes have taken, by kind."""
    import psutil

    out: dict[str, float] = {}
    for process in psutil.Process().children(recursive=True):
        with suppress(psutil.Error):
            kind = re.search(r"--type=(renderer|gpu)", " ".join(process.cmdline()))
            if kind:
                out[kind[1]] = out.get(kind[1], 0.0) + sum(process.cpu_times()[:2])
    return out


_IN_SOFTWARE = ("--use-gl=angle", "--use-angle=swiftshader", "--enable-unsafe-swiftshader")
"""Lets the browser have WebGL2 where there is no GPU, in SwiftShader."""


@contextmanager
def page_at(address: str, *flags: str) -> Iterator[Any]:
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium(), args=["--no-sandbox", *flags])
        page = browser.new_page(viewport={"width": 1280, "height": 900})
        page.goto(address)
        yield page
        browser.close()


def _by_part(profile: dict[str, Any]) -> Counter[str]:
    """Milliseconds by part: each sample goes to the outermost function of its stack that is a part."""
    part_of: dict[int, str | None] = {}
    children = {node["id"]: node.get("children", []) for node in profile["nodes"]}
    names = {node["id"]: node["callFrame"]["functionName"].rpartition(".")[2] for node in profile["nodes"]}

    def book(node: int, above: str | None) -> None:
        part_of[node] = above or PARTS.get(names[node])
        for child in children[node]:
            book(child, part_of[node])

    book(profile["nodes"][0]["id"], None)
    spent: Counter[str] = Counter()
    for node, microseconds in zip(profile["samples"], profile["timeDeltas"], strict=True):
        if names[node] not in ("(root)", "(program)", "(idle)"):
            spent[part_of[node] or "the rest"] += microseconds / 1000
    return spent


def first_picture(address: str) -> float:
    """Milliseconds from asking for the page to the first frame that is drawn, in a browser that is running already."""
    with page_at("about:blank") as page:
        page.add_init_script(FIRST)
        page.goto(address)
        page.wait_for_function("() => window.firstAt !== undefined")
        return page.evaluate("window.firstAt")


FIRST = """(() => {
  const look = () => {
    if (window.__viewer?.frames_drawn > 0 || window.__home?.first_ms) window.firstAt = performance.now();
    else requestAnimationFrame(look);
  };
  requestAnimationFrame(look);
})()"""
