"""The gallery: a card an experiment, with a replay that plays in the page, its question, what was found, its command.

All of it derives: from the declarations, from the loops that ship with `mesocosm watch`, and from `found.json` beside
them, which `python -m mesocosm.viewer.loops` makes of runs.
"""

from html import escape
from pathlib import Path

from mesocosm.player.encoder.reading import unpack
from mesocosm.protocol.registry import SHELF, declaration
from mesocosm.viewer.cards import claimed, found, loop
from mesocosm.viewer.share import single_page

DOCS = Path(__file__).parents[1]
BARE = "header, p.first { display: none }"
"""Within a card its title stands beneath."""


def pages():
    """The cards, and a page for each replay."""
    known = found()
    cards = [card(name, known.get(name, {})) for name in names()]
    out = {"gallery.md": "\n".join(['<div class="cards">', *cards, "</div>", ""])}
    for name in names():
        if content := loop(name):
            title = declaration(name).title
            page = single_page([unpack(content)], title)
            out[f"extra/replays/{name}.html"] = page.replace("</style>", f"{BARE}</style>", 1)
    return out


def names():
    """Experiments with something to look at come first."""
    return sorted(SHELF.own(), key=lambda name: (name != "chemotaxis", not loop(name), name))


def card(name, row):
    """One experiment, as HTML without a blank line: Markdown would end it there."""
    declared = declaration(name)
    parts = [f'<article class="card" id="{name}">']
    if loop(name):
        parts.append(
            f'<iframe src="replays/{name}.html" loading="lazy" title="{escape(declared.title)}: a replay"></iframe>'
        )
    parts.append(f"<h2>{escape(declared.title)}</h2>")
    parts.append(f"<p>{escape(declared.question)}</p>")
    if row.get("said") and row.get("claimed") == claimed(declared):  # of other claims than these it says nothing
        verdict = row["verdict"] or "measured"
        parts.append(f'<p class="found"><span class="verdict {verdict}">{verdict}</span> {escape(row["said"])}</p>')
    parts.append(f"<pre>mesocosm run {name}</pre>")
    parts.append(f'<p class="more">{" · ".join(links(name))}</p>')
    return "\n".join([*parts, "</article>"])


def links(name):
    """Where more is said of it: pages whose file is called as it is."""
    told = [f'<a href="generated/data/{name}.html">data</a>']
    for folder, what in (("results", "results"), ("explanation", "what it is about"), ("tutorials", "tutorial")):
        page = next(iter(sorted((DOCS / folder).glob(f"{name}*.md"))), None)
        if page is not None:
            told.insert(0, f'<a href="{folder}/{page.stem}.html">{what}</a>')
    if loop(name):
        told.append(f'<a href="replays/{name}.html">the replay alone</a>')
    return told
