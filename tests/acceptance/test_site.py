"""What the site derives from the program is complete: the interface, the dictionary of data, the gallery.

That it builds, strictly, is a step of `.ci/run`; here nothing of Sphinx is needed.
"""

import re
import sys
from importlib import import_module
from pathlib import Path

import pytest

from mesocosm.protocol.registry import SHELF, declaration
from mesocosm.viewer.cards import loop

DOCS = Path(__file__).parents[2] / "docs"
sys.path.insert(0, str(DOCS / "_ext"))

import dictionary  # noqa: E402
import gallery  # noqa: E402
import interface  # noqa: E402


@pytest.mark.parametrize("door", interface.DOORS)
def test_everything_public_is_in_the_reference_and_says_what_it_is(door):
    module = import_module(door)
    silent = []
    for name in module.__all__:
        thing = getattr(module, name)
        if callable(thing) and not interface.documentation(thing):
            silent.append(name)
        members = interface.members(thing) if isinstance(thing, type) else ()
        silent += [f"{name}.{member}" for member, _ in members if not interface.said(thing, member)]
    assert not silent, f"{door}: without a docstring: {', '.join(silent)}"
    page = interface.page(door, module, {})
    assert all(f"## `{name}`" in page for name in module.__all__)


def test_every_public_name_has_a_door():
    """A room with `__all__` is a door, unless it is the command line's own."""
    source = DOCS.parent / "src" / "mesocosm"
    rooms = {
        p.parent.relative_to(source).as_posix() for p in source.glob("*/__init__.py") if "__all__" in p.read_text()
    }
    named = {door.removeprefix("mesocosm").lstrip(".") for door in interface.DOORS}
    assert rooms - {"cli"} <= named


def test_docstrings_become_markdown():
    said = interface.markdown("One line.\n\nArgs:\n  a: first,\n    still first.\n  b, c: others.\n\n>>> f(1)\n2\n")
    assert "- `a`: first,\n    still first." in said and "- `b, c`: others." in said
    assert "```pycon\n>>> f(1)\n2\n```" in said


@pytest.mark.parametrize("name", SHELF.own())
def test_every_field_and_column_is_explained(name):
    silent = [row[0] for row in dictionary.settings(declaration(name).configuration) if not row[1]]
    silent += [row[0] for row in dictionary.columns(name) if not row[-1]]
    silent += [f"{log}: {row[0]}" for log, rows in dictionary.logs(name).items() for row in rows if not row[-1]]
    assert not silent


def test_the_gallery_shows_every_experiment():
    pages = gallery.pages()
    for name in SHELF.own():
        assert f'id="{name}"' in pages["gallery.md"] and f"mesocosm run {name}<" in pages["gallery.md"]
        assert bool(loop(name)) == (f"extra/replays/{name}.html" in pages)
    for page in re.findall(r'href="((?:results|explanation|tutorials)/[^"]+)\.html"', pages["gallery.md"]):
        assert (DOCS / f"{page}.md").is_file()


def test_every_result_is_two_clicks_away():
    """A page of results is listed by lying in its folder; the folder is named on the first page."""
    assert "results/index" in (DOCS / "index.md").read_text()
    assert ":glob:" in (DOCS / "results" / "index.md").read_text()


def test_pages_embed_files_in_one_way():
    for page in DOCS.rglob("*.md"):
        assert "--8<--" not in page.read_text(), f"{page}: embed files by ```{{literalinclude}}"
