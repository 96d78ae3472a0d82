"""What a finished run costs its reader: building the report, comparing, judging, the size of the page, opening it."""

from __future__ import annotations

import os
import re
import resource
import shutil
import subprocess
import sys
import time
from pathlib import Path

import numpy as np

ROUNDS = 5


def runs(under: Path) -> dict[str, Path]:
    """The default run and the preset `paper`, by number of worlds; or those that MESOCOSM_RUNS names, apart by `:`."""
    if named := os.environ.get("MESOCOSM_RUNS"):
        folders = [Path(name) for name in named.split(":")]
    else:
        folders = [under / "default", under / "paper"]
        for folder in folders:
            command = ["run", "chemotaxis", "--preset", folder.name, "--out", str(folder), "--quiet"]
            subprocess.run([sys.executable, "-m", "mesocosm", *command], check=True, stdout=subprocess.DEVNULL)
    from mesocosm.record import load

    return {f"{load(folder).replicates} worlds": folder for folder in folders}


def command(*words: str) -> tuple[np.ndarray, np.ndarray]:
    """Seconds on the clock and of the processor that a command takes, the start of Python included: [rounds] each."""
    wall, busy = [], []
    for _ in range(ROUNDS):
        before, began = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
        subprocess.run([sys.executable, "-m", "mesocosm", *words], check=True, stdout=subprocess.DEVNULL)
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        wall.append(time.perf_counter() - began)
        busy.append(after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime)
    return np.array(wall), np.array(busy)


def size(page: Path) -> tuple[float, float]:
    """Megabytes of the page without its replay, and of the replay."""
    text = page.read_text("utf-8")
    replay = sum(
        len(world) for world in re.findall(r'<script type="text/plain" class="world">(.*?)</script>', text, re.S)
    )
    return (page.stat().st_size - replay) / 1e6, replay / 1e6


def findings(replicates: int = 1000, claims: int = 20) -> tuple[np.ndarray, np.ndarray]:
    """Seconds on the clock and of the processor to judge so many claims over so many replicates: [rounds] each."""
    from mesocosm.findings import Claim, judge

    rng = np.random.default_rng(0)
    declared = [Claim(f"c{k}", "", "the control", "difference", 0.1) for k in range(claims)]
    values = {claim.name: rng.normal(0.1, 1, replicates) for claim in declared}
    seconds = []
    for _ in range(ROUNDS):
        began = time.perf_counter(), time.process_time()
        judge(declared, values, replicates)
        seconds.append((time.perf_counter() - began[0], time.process_time() - began[1]))
    return tuple(np.array(seconds).T)


def opened(page: Path) -> np.ndarray | None:
    """Seconds until the page's first frame is drawn in the system's Chromium: [rounds]; None where there is none."""
    chromium = os.environ.get("CHROMIUM") or shutil.which("chromium") or shutil.which("google-chrome")
    try:
        from playwright.sync_api import sync_playwright
    except ImportError:
        return None
    if not chromium:
        return None
    seconds = []
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        for _ in range(ROUNDS):
            tab = browser.new_context(viewport={"width": 1280, "height": 900}).new_page()
            began = time.perf_counter()
            tab.goto(page.absolute().as_uri())
            tab.wait_for_function("() => window.__viewer?.frames_drawn > 0")
            seconds.append(time.perf_counter() - began)
            tab.context.close()
        browser.close()
    return np.array(seconds)
