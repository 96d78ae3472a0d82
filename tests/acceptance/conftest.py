"""Chromium for the tests that need a browser. Where there is none they say what was not tested."""

import os
import shutil

import pytest

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
