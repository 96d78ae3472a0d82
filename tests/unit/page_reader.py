"""A page as a reader of HTML sees it."""

import re
from html.parser import HTMLParser

VOID = {"meta", "link", "br", "img", "input", "hr"}


class Reader(HTMLParser):
    """Reads a page as a browser would: texts, elements, scripts; complains where a tag is never closed."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.open, self.elements, self.texts, self.scripts, self.styles = [], [], [], [], []
        self.feed(page)
        self.close()
        assert not self.open, f"never closed: {self.open}"

    def handle_starttag(self, tag, attrs):
        self.elements.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.elements.append((tag, dict(attrs)))

    def handle_endtag(self, tag):
        assert self.open and self.open[-1] == tag, f"</{tag}> closes {self.open[-3:]}"
        self.open.pop()

    def handle_data(self, data):
        place = {"script": self.scripts, "style": self.styles}.get(self.open[-1] if self.open else "", self.texts)
        place.append(data)

    @property
    def text(self) -> str:
        return " ".join(" ".join(self.texts).split())


def assert_no_bare_numbers(markup: str) -> None:
    """Nothing that is not finite is printed, in words or in coordinates."""
    reader = Reader(markup)
    assert not re.search(r"\b(nan|NaN|inf|Infinity|None)\b", reader.text), reader.text
    for tag, attributes in reader.elements:
        for name, value in attributes.items():
            if name in ("d", "x", "y", "x1", "x2", "y1", "y2", "cx", "cy", "style", "transform"):
                assert not re.search(r"nan|inf|none", value or "", re.I), (tag, name, value)
