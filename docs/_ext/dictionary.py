"""The dictionary of data: every field of every configuration, every column of every record, from the declarations.

A page an experiment: what can be set, with its unit, range and default; what the metrics, logs and frames of a run
hold. Tested to be complete (`tests/acceptance/test_site.py`).
"""

import dataclasses
import functools

from mesocosm.core.instrument import Numbers, about_scene, check_instruments, emitted, shapes
from mesocosm.protocol.preparing import law_of
from mesocosm.protocol.registry import SHELF, declaration, find
from mesocosm.record.configuration import from_dict, to_dict
from mesocosm.record.database import TABLES
from mesocosm.record.explained import fields_of

KINDS = {"parameter": "", "size": " (*size*)", "switch": " (*switch*)"}


def pages():
    """From file names to Markdown: an index, and a page an experiment."""
    names = SHELF.own()
    out = {f"data/{name}.md": page(name) for name in names}
    rows = [f"| [`{name}`]({name}.md) | {declaration(name).question} |" for name in names]
    toctree = "\n".join(["```{toctree}", ":hidden:", "", *names, "```"])
    out["data/index.md"] = "\n".join([HEAD, *rows, "", OF_ALL, tables(), "", toctree, ""])
    return out


OF_FIELDS = (
    "On the command line `--FIELD VALUE`. Another *size* or *switch* is another program, which is compiled anew."
)
HEAD = """# Dictionary of data

What can be set in each experiment, and what each column of its record says. Written from the declarations.

| experiment | asks |
|---|---|"""
OF_ALL = """## In every record

`record.sqlite` holds these tables besides `metrics`, whose columns are `replicate`, `tick` (the end of a window) and
what the experiment measures. Logs lie in `log/` as NumPy's `.npz`, in chunks that `chunks` lists; every row has
`replicate` and `tick` besides its own columns.

| table | columns |
|---|---|"""


def tables():
    return "\n".join(f"| `{name}` | {', '.join(f'`{c}`' for c in columns)} |" for name, (_, columns) in TABLES.items())


def page(name):
    declared = declaration(name)
    parts = [f"# `{name}`", f"{declared.question} Control: {declared.control}.", "## What can be set", OF_FIELDS]
    parts.append(table(("field", "what it is", "default", "range"), settings(declared.configuration)))
    measures = [(f"`{m.name}`", m.label, m.unit) for m in declared.measures_under(to_dict(declared.configuration()))]
    if measures:
        parts += ["## Measures", table(("measure", "what it is", "unit"), measures)]
    parts.append("## Columns of the metrics")
    parts.append(table(("column", "type", "what it says"), columns(name)))
    for log, rows in logs(name).items():
        parts += [f"## Log `{log}`", table(("column", "type", "what it says"), rows)]
    if rows := shown(name):
        parts += ["## Shown", table(("what", "kind", "unit"), rows)]
    return "\n\n".join(parts) + "\n"


def table(heads, rows):
    lines = ["| " + " | ".join(heads) + " |", "|" + "---|" * len(heads)]
    return "\n".join(lines + ["| " + " | ".join(str(c).replace("|", "\\|") for c in row) + " |" for row in rows])


def settings(cls):
    """A row for each field, those of nested configurations under dotted names."""
    for field in fields_of(cls()):
        yield (
            f"`{field.path}`",
            field.said,
            f"`{field.default}`",
            f"{field.permitted}{KINDS[field.kind or 'parameter']}",
        )


@functools.cache
def built(name):
    """A declaration, its default configuration, its law with what watches it, and the shapes of what can be seen."""
    entry = find(name)
    cls, trial = entry.declaration.configuration, entry.declaration.trial
    configuration = from_dict(cls, next(iter(trial.cases.values()), {}), cls())  # small, with all that it can log
    setup = law_of(entry, configuration)
    shown_here = shapes(setup.experiment)
    if not setup.folds:
        flows = tuple((flow, str(shape.dtype)) for flow, shape in shown_here[1].flows.items())
        setup = dataclasses.replace(setup, folds={"numbers": Numbers(flows)})
    return entry.declaration, configuration, setup, shown_here


def columns(name):
    """A row for each column of the metrics."""
    declared, configuration, setup, seen = built(name)
    measures = declared.measures_under(to_dict(configuration))
    for column, shape in sorted(check_instruments(seen, setup.folds, ()).items()):
        yield f"`{column}`", shape.dtype, declared.explained(column, measures)


def logs(name):
    """Rows for the columns of each log."""
    declared, _, setup, seen = built(name)
    out = {}
    for log in setup.logs:
        if not log.is_view:
            rows = emitted(log, seen[1], seen[2]).columns
            out[log.name] = [(f"`{c}`", s.dtype, declared.explained(f"{log.name}.{c}")) for c, s in rows.items()]
    return out


def shown(name):
    """What a scene names, with units."""
    about = about_scene(built(name)[2].experiment)
    for population in about.populations:
        for column, said in population.columns:
            yield f"`{population.name}.{column}`", "points", said.unit
    for field in about.fields:
        yield f"`{field.name}`", "field", field.about.unit
    for curve, said in about.curves:
        yield f"`{curve}`", "curve", said.unit
