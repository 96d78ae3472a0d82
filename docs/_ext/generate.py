"""A Sphinx extension: before pages are read, those that derive from the program are written into `generated/`."""

from pathlib import Path

import dictionary
import gallery
import interface

WRITERS = (interface.pages, dictionary.pages, gallery.pages)
"""Each gives pages: paths within `generated`, and their text."""


def setup(app):
    folder = Path(app.srcdir) / "generated"
    (folder / "extra").mkdir(parents=True, exist_ok=True)
    for pages in WRITERS:
        for name, text in pages().items():
            write(folder / name, text)
    return {"parallel_read_safe": True}


def write(path, text):
    """Write a page, unless it stands there as it is: what has not changed is not read again."""
    content = text.encode()
    if not path.is_file() or path.read_bytes() != content:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
