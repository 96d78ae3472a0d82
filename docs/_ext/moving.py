"""The moving picture of the first page, out of the loop that ships with the package:

    python docs/_ext/moving.py            writes docs/_static/chemotaxis.webp

Needs Chromium, Playwright and Pillow (the extras `test` and `video`); the player's own canvas is photographed frame by
frame, so that the picture is what one sees.
"""

import io
import os
import shutil
import tempfile
from pathlib import Path

from gallery import pages
from PIL import Image
from playwright.sync_api import sync_playwright

TARGET = Path(__file__).parents[1] / "_static" / "chemotaxis.webp"
SIZE, CUT, FRAMES, STEP = 720, 360, 24, 3
"""Pixels of the world, height of the strip that is shown, frames, and frames of the loop between two of them."""


def frames(page):
    """Photographs of the world, a few frames of the loop apart."""
    page.keyboard.press("Home")
    for _ in range(FRAMES):
        box = page.locator("canvas").first.bounding_box()
        clip = {"x": box["x"], "y": box["y"] + 60, "width": box["width"], "height": CUT}
        yield Image.open(io.BytesIO(page.screenshot(clip=clip))).convert("RGB")
        for _ in range(STEP):
            page.keyboard.press(".")
        page.wait_for_timeout(120)


def main():
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as play:
        file = Path(folder) / "chemotaxis.html"
        file.write_text(pages()["extra/replays/chemotaxis.html"], "utf-8")
        chromium = os.environ.get("CHROMIUM") or shutil.which("chromium")
        browser = play.chromium.launch(executable_path=chromium, args=["--no-sandbox", "--disable-gpu"])
        page = browser.new_page(viewport={"width": SIZE, "height": 900}, color_scheme="dark")
        page.goto(file.as_uri())
        page.wait_for_timeout(1500)
        page.keyboard.press("Space")
        first, *rest = frames(page)
        browser.close()
    first.save(TARGET, save_all=True, append_images=rest, duration=90, loop=0, quality=24, method=6)
    print(f"{TARGET}: {TARGET.stat().st_size:,} bytes")


if __name__ == "__main__":
    main()
