"""Chromium for the tests that need a browser (where there is none they say what was not tested), and runs cut off."""

import os
import shutil
from functools import cache
from pathlib import Path

import pytest

from tests.acceptance.breaking import DISH, GAME, crashed, going
from tests.acceptance.browsing import Visit

NOT_TESTED = "NOT TESTED: the report and its player in a browser"
NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")


def chromium() -> str:
    found = os.environ.get("CHROMIUM") or next(filter(None, map(shutil.which, NAMES)), None)
    if not found:
        pytest.skip(
            f"{NOT_TESTED}: there is no Chromium on PATH ({', '.join(NAMES)}); install one, or name it: CHROMIUM="
        )
    return found


@pytest.fixture(scope="module")
def browser():
    path = chromium()
    api = pytest.importorskip("playwright.sync_api", reason=f"{NOT_TESTED}: the package playwright is missing")
    with api.sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=["--no-sandbox"])
        yield browser
        browser.close()


@pytest.fixture
def visits(browser):
    """Opens pages, and at the end of the test asserts that none asked for anything or complained."""
    opened = []

    def open(path, **how) -> Visit:
        opened.append(Visit(browser, path, **how))
        return opened[-1]

    yield open
    for visit in opened:
        visit.close()


# -- runs that were cut off: tests/acceptance/breaking.py ----------------------------------------------------------


@pytest.fixture(scope="module")
def unbroken(tmp_path_factory):
    """The digest of the unbroken run of a configuration."""

    @cache
    def digest(configuration) -> str:
        folder = tmp_path_factory.mktemp("unbroken") / "run"
        return going(configuration, folder, checkpoint_seconds=1e9).digest()

    return digest


@pytest.fixture(scope="module")
def torn_game(tmp_path_factory) -> Path:
    return crashed(GAME, tmp_path_factory.mktemp("torn") / "game", tick=500)


@pytest.fixture(scope="module")
def torn_dish(tmp_path_factory) -> Path:
    return crashed(DISH, tmp_path_factory.mktemp("torn") / "dish", tick=60)


@pytest.fixture
def game(torn_game, tmp_path) -> Path:
    """A game that was killed after some checkpoints."""
    return Path(shutil.copytree(torn_game, tmp_path / "game"))


@pytest.fixture
def dish(torn_dish, tmp_path) -> Path:
    """A dish that was killed after some checkpoints, with logs."""
    return Path(shutil.copytree(torn_dish, tmp_path / "dish"))
