"""A page in a real browser, for the tests: everything it asks for is refused and remembered."""

import base64
import time
from pathlib import Path

import numpy as np


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
        if route.request.url == self.address:
            route.continue_()
        else:
            self.asked.append(route.request.url)
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

    def when(self, condition: str, until: dict | None = None, patience_ms: float = 30_000) -> dict:
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

    def focus(self) -> None:
        self.page.locator(".mp canvas").first.focus()

    def close(self) -> None:
        self.context.close()
        assert not self.asked, f"the page asked for {self.asked}"
        assert not self.complaints, self.complaints
