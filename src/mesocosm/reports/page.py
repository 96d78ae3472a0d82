"""One HTML file from what an experiment tells of a run. It holds everything, and fetches nothing."""

from __future__ import annotations

import base64
import hashlib
import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import cache
from importlib.resources import files
from typing import Any, TypedDict

import numpy as np
from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from mesocosm.player import assets
from mesocosm.player.encoder.fields import seen_scale
from mesocosm.player.encoder.frames import pack
from mesocosm.player.encoder.scales import Scale
from mesocosm.protocol.story import Curves, Figure, Replay, Section, Story, Strips, Table, Trajectories
from mesocosm.reports.charts import draw
from mesocosm.reports.forest import Finding, badge, forest
from mesocosm.reports.readable import kept, number
from mesocosm.reports.stills import stills

Tables = Mapping[str, Mapping[str, Sequence[Any] | np.ndarray]]
"""Data to embed: tables by name, each a mapping from columns to values of equal number."""


class Trust(TypedDict, total=False):
    """What a reader needs to trust a run, and to repeat it.

    `command` repeats the run from anywhere, into `folder`; `begun`: when, and by which command, this one was.
    `differences`: (field, value, default) of all that was set otherwise. `residual`: of the ledger, in quanta.
    """

    seed: int
    versions: Mapping[str, str]
    host: str
    command: str
    folder: str
    begun: str
    differences: Sequence[tuple[str, Any, Any]]
    warnings: Sequence[str]
    digest: str
    residual: int | None


def render(
    story: Story,
    *,
    title: str,
    question: str = "",
    findings: Sequence[Finding] = (),
    trust: Trust | None = None,
    verdict: str | None = None,
    data: Tables | None = None,
    noun: str = "replicates",
    made_of: str = "",
) -> str:
    """The page.

    Args:
      title: of the experiment or study.
      question: what was asked, above the sentence that answers it.
      findings: with the keys of `forest.Finding`.
      verdict: of the headline: supported, refuted, equivalent, undecided; None where nothing was claimed.
      noun: what is counted, in the plural: worlds, searches.
      made_of: identity of what the page tells, so that a stale page is known.
      data: tables that a reader can take away as CSV or JSON.

    Raises:
      ValueError: if the replay or a table is inconsistent; the message names what.
    """
    tables = {name: _columns(name, table) for name, table in (data or {}).items()}
    script = assets.script() + "\n" + _template("report.js")
    first, sections = _leading(story)
    embedded = {"title": title, "sentence": story.sentence, "findings": findings, "trust": trust or {}}
    page = _environment().get_template("report.html")
    return page.render(
        title=title,
        question=question,
        story=story,
        verdict=Markup(badge(verdict)),
        forest=Markup(forest(findings, noun)),
        is_declared=any(finding.get("declared") for finding in findings),
        first=first and (first, Markup(draw(first.figures[0]))),
        sections=[(section, [Markup(draw(figure)) for figure in section.figures]) for section in sections],
        worlds=_packed(story.replay),
        stills=Markup(stills(story.replay)) if story.replay else "",
        trust=trust or {},
        table_names=list(tables),
        embedded=_json(embedded | {"tables": tables}),
        script=Markup(script),
        style=Markup(assets.style() + _template("report.css")),
        script_hash=_sha256(script),
        number=number,
        made_of=made_of,
    )


def _leading(story: Story) -> tuple[Section | None, Sequence[Section]]:
    """What is seen first where nothing moves: a section of one chart, one that shows a control where there is one; and
    the others without it. Text goes with the chart where nothing else of its section is left."""
    drawn = [(k, figure) for k, section in enumerate(story.sections) for figure in section.figures]
    drawn = [(k, figure) for k, figure in drawn if not isinstance(figure, Table)]
    if story.replay is not None or not drawn:
        return None, story.sections
    k, figure = next((one for one in drawn if _is_beside_a_control(one[1])), drawn[0])
    whole, before, after = story.sections[k], story.sections[:k], story.sections[k + 1 :]
    if left := [other for other in whole.figures if other is not figure]:
        return Section(whole.heading, "", [figure]), [*before, replace(whole, figures=left), *after]
    return replace(whole, figures=[figure]), [*before, *after]


def _is_beside_a_control(figure: Figure) -> bool:
    if isinstance(figure, Trajectories):
        return figure.control is not None
    if isinstance(figure, Curves):
        return any(curve.is_control for curve in figure.curves)
    return isinstance(figure, Strips) and len(figure.conditions) > 1


def _sha256(script: str) -> str:
    """As the page's security policy wants it."""
    return base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()


@cache
def _environment() -> Environment:
    loader = PackageLoader("mesocosm.reports", "templates")
    environment = Environment(loader=loader, autoescape=True, undefined=StrictUndefined, trim_blocks=True)
    environment.filters["paragraphs"] = lambda text: [kept(part) for part in str(text).split("\n\n") if part.strip()]
    environment.filters["kept"] = kept
    environment.filters["setting"] = lambda value: f"{value:.6g}" if isinstance(value, float) else value
    return environment


def _template(name: str) -> str:
    return (files("mesocosm.reports") / "templates" / name).read_text("utf-8")


def _packed(replay: Replay | None) -> list[str]:
    """The worlds as base64 text. Fields of the same name share a scale, so that worlds can be compared."""
    if replay is None:
        return []
    scales: dict[str, Scale] = {}
    for panel in replay.panels:
        for name, (values, _) in panel.fields.items():
            kind, low, high = panel.scales.get(name) or seen_scale(values, panel.abouts.get(name, {}))
            _, least, most = scales.get(name, (kind, low, high))
            scales[name] = kind, min(low, least), max(high, most)
    return [base64.b64encode(pack(panel, scales=scales)).decode() for panel in replay.panels]


def _columns(name: str, table: Mapping[str, Any]) -> dict[str, list[Any]]:
    columns = {str(column): list(np.asarray(values).tolist()) for column, values in table.items()}
    lengths = {column: len(values) for column, values in columns.items()}
    if len(set(lengths.values())) > 1:
        raise ValueError(f"table {name!r}: its columns must be equally long, not {lengths}")
    return columns


def _json(value: Any) -> Markup:
    """JSON that can stand inside `<script>`: no tag can begin in it. What is not finite becomes null."""
    text = json.dumps(_plain(value), ensure_ascii=True, separators=(",", ":"), allow_nan=False)
    for letter in "<>&":
        text = text.replace(letter, f"\\u{ord(letter):04x}")
    return Markup(text)


def _plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, np.ndarray):
        return _plain(value.tolist())
    if isinstance(value, list | tuple):
        if set(map(type, value)) <= {int, str, bool, type(None)}:  # most columns: nothing to look at one by one
            return value
        return [_plain(item) for item in value]
    if isinstance(value, np.generic):
        return _plain(value.item())
    if isinstance(value, float):
        return float(f"{value:.8g}") if math.isfinite(value) else None
    return value if value is None or isinstance(value, str | int | bool) else str(value)
