"""The pictures of the pages on watching and on the report, photographed in Chromium:

    python docs/_ext/pictures.py RUN      of a finished default run of chemotaxis: mesocosm run chemotaxis

writes home.webp, world.webp and report.webp into docs/_static. Needs Playwright and Pillow (the extras `test` and
`video`).
"""

import io
import os
import shutil
import subprocess
import sys
import tempfile
from contextlib import contextmanager
from pathlib import Path

from PIL import Image
from playwright.sync_api import sync_playwright

TARGET = Path(__file__).parents[1] / "_static"
WIDTH, HEIGHT, QUALITY = 1280, 800, 72
DRAWN = "() => window.__viewer?.frames_drawn > 0"
CHOSEN = """async () => { const {player} = document.getElementById('player');
  const t = Math.round(player.nFrames / 3);
  await player.seek(t);
  player.play();
  await new Promise((done) => setTimeout(done, 2500));
  player.pause();
  const last = player.living.length - 1, {frame} = player.living[last];
  await player.select(last, frame.id[Math.floor(frame.n / 2)]); }"""


@contextmanager
def served(*words):
    """The address of `mesocosm watch`."""
    with tempfile.TemporaryDirectory() as folder:
        call = [sys.executable, "-m", "mesocosm", "watch", *words, "--no-browser"]
        process = subprocess.Popen(call, cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
        try:
            yield process.stdout.readline().strip()
        finally:
            process.terminate()
            process.wait(20)


def photograph(page, name):
    """Write what a page shows."""
    path = TARGET / f"{name}.webp"
    Image.open(io.BytesIO(page.screenshot())).convert("RGB").save(path, quality=QUALITY, method=6)
    print(f"{path}: {path.stat().st_size:,} bytes")


def main(run):
    with sync_playwright() as play:
        chromium = os.environ.get("CHROMIUM") or shutil.which("chromium")
        browser = play.chromium.launch(executable_path=chromium, args=["--no-sandbox", "--disable-gpu"])
        page = browser.new_page(viewport={"width": WIDTH, "height": HEIGHT}, color_scheme="dark")
        with served() as address:
            page.goto(address)
            page.wait_for_function("() => window.__home?.loops > 5")
            page.wait_for_timeout(2000)
            photograph(page, "home")
        with served(str(run)) as address:
            page.goto(address)
            page.wait_for_function(DRAWN)
            page.evaluate(CHOSEN)
            page.wait_for_timeout(1500)
            photograph(page, "world")
        page.goto((run / "report.html").as_uri())
        page.wait_for_function(DRAWN)
        page.wait_for_timeout(4000)
        photograph(page, "report")
        browser.close()


if __name__ == "__main__":
    main(Path(sys.argv[1]).resolve())
