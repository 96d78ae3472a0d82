"""What a page in a browser lacks for people who cannot see it well, point at it or bear motion: axe-core's findings."""

from importlib.resources import files

import pytest

GRAVE = ("serious", "critical")
_RUN = """async () => {
  const {violations} = await axe.run(document, {runOnly: ['wcag2a', 'wcag2aa', 'wcag21aa', 'best-practice']});
  return violations.map(({id, impact, nodes}) => [id, impact, nodes.map((n) => n.target.join(' ')).slice(0, 5)]); }"""


def faults(page) -> list:
    """Grave violations of a page as it is now: rule, impact, where."""
    axe = pytest.importorskip("axe_playwright_python", reason="NOT TESTED: axe-core (axe-playwright-python is missing)")
    page.evaluate(f"() => {{ {(files(axe) / 'axe.min.js').read_text('utf-8')} }}")
    return [fault for fault in page.evaluate(_RUN) if fault[1] in GRAVE]


def is_too_wide(page) -> bool:
    """Whether a page must be moved sideways to be read."""
    return page.evaluate("document.documentElement.scrollWidth > innerWidth + 1")
