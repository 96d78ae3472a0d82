"""A page in a real browser, for the tests: everything it asks for is refused and remembered."""

import base64
import time
from pathlib import Path

import numpy as np

LONELY = """([k]) => { const {frame, canvas, meta} = document.querySelector('.mp').player.panes[k];
  const box = canvas.getBoundingClientRect(), [x, y] = ['x', 'y'].map((axis) =>
    [...frame[axis]].map((place) => ((place + 0.5) / meta.space.extent[0]) * box.width));
  const room = (a, b, self) => Math.min(...x.map((_, i) => i === self ? Infinity : Math.hypot(x[i] - a, y[i] - b)));
  const isSeen = (a, b) => a > 9 && b > 9 && a < box.width - 9 && box.top + b < Math.min(box.bottom, innerHeight) - 9;
  const best = (all) => all.filter(([, a, b]) => isSeen(a, b)).sort((one, other) => other[3] - one[3])[0];
  const body = best(x.map((a, i) => [frame.id[i], a, y[i], room(a, y[i], i)]));
  const grid = Array.from({length: 900}, (_, i) => [(i % 30) * box.width / 30, Math.floor(i / 30) * box.width / 30]);
  const ground = best(grid.map(([a, b]) => [null, a, b, room(a, b)]));
  return [body, ground].map(([id, a, b]) => [id, box.left + a, box.top + b]); }"""


class Visit:
    """One page, with everything it asked for and complained about."""

    def __init__(self, browser, path: Path, width: int = 1280, wait: bool = True, **how) -> None:
        how = {"reduced_motion": "reduce", "color_scheme": "light"} | how
        self.context = browser.new_context(viewport={"width": width, "height": 900}, **how)
        self.page = self.context.new_page()
        self.asked: list[str] = []
        self.complaints: list[str] = []
        self.page.route("**/*", self._only_the_file)
        self.page.on("console", lambda message: self.complaints.append(message.text))
        self.page.on("pageerror", lambda error: self.complaints.append(str(error)))
        self.address = path.as_uri()
        began = time.perf_counter()
        self.page.goto(self.address)
        if wait:
            self.page.wait_for_function("() => window.__viewer?.frames_drawn > 0")
        self.seconds = time.perf_counter() - began

    def _only_the_file(self, route) -> None:
        asked = route.request.url
        if asked == self.address or (asked.startswith(self.address) and asked.startswith("http:")):
            route.continue_()
        else:
            self.asked.append(asked)
            route.abort()

    @property
    def state(self) -> dict:
        return self.page.evaluate("window.__viewer")

    def press(self, key: str, **until) -> dict:
        """Presses a key and waits until the state says what it should."""
        self.page.keyboard.press(key)
        return self.wait(**until)

    def wait(self, **until) -> dict:
        """Waits until all of this holds at once; the state in which it does."""
        return self.when("Object.entries(until).every(([name, value]) => s[name] === value)", until)

    def when(self, condition: str, until: dict | list | None = None, patience_ms: float = 30_000) -> dict:
        """Waits until a condition on the state `s` holds; that very state, whatever has happened to the page since."""
        seen = self.page.wait_for_function(
            f"(until) => {{ const s = window.__viewer; return {condition} ? {{state: s}} : null; }}",
            arg=until,
            timeout=patience_ms,
        )
        return seen.json_value()["state"]

    def pixels(self, world: int = 0, which: str = "canvas.mp-world") -> np.ndarray:
        """What a canvas shows: [height, width, 4]."""
        flat = self.page.evaluate(
            """([k, which]) => { const c = document.querySelectorAll(`.mp ${which}`)[k];
                 const copy = new OffscreenCanvas(c.width, c.height).getContext('2d', {willReadFrequently: true});
                 copy.drawImage(c, 0, 0);
                 const d = copy.getImageData(0, 0, c.width, c.height).data;
                 let s = ''; for (let i = 0; i < d.length; i += 8192)
                   s += String.fromCharCode.apply(null, d.subarray(i, i + 8192));
                 return [c.width, btoa(s)]; }""",
            [world, which],
        )
        return np.frombuffer(base64.b64decode(flat[1]), np.uint8).reshape(-1, flat[0], 4)

    def click_a_body(self, world: int = 0) -> int:
        """Clicks the body of a torus that has the most room around it, after one click where there is none; its id."""
        (id, *place), (_, *ground) = self.page.evaluate(LONELY, [world])
        self.page.mouse.click(*ground)
        self.wait(selected=None)
        self.page.mouse.click(*place)
        self.when("s.selected?.world === until[0] && s.selected.id === until[1]", [world, id])
        return id

    def focus(self) -> None:
        self.page.locator(".mp canvas").first.focus()

    def close(self) -> None:
        self.context.close()
        assert not self.asked, f"the page asked for {self.asked}"
        assert not self.complaints, self.complaints
