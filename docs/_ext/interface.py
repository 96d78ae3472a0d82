"""The reference of the Python interface, from signatures and docstrings: a page for each door, complete.

A *door* is a module with `__all__`: what stands there is public, everything else may change. Docstrings are Markdown
with the sections of Google's style.
"""

import inspect
import re
from importlib import import_module

DOORS = (
    "mesocosm",
    "mesocosm.lab",
    "mesocosm.loggers",
    "mesocosm.findings",
    "mesocosm.record",
    "mesocosm.core",
    "mesocosm.rules",
    "mesocosm.tasks",
    "mesocosm.review",
    "mesocosm.testing",
    "mesocosm.faces",
    "mesocosm.artefacts",
)
SECTIONS = ("Args", "Returns", "Raises", "Yields", "Attributes")


def pages():
    """From file names to Markdown: an index, and a page a door."""
    seen = {}  # objects by identity: the door where each is documented
    out = {}
    rows = []
    for door in DOORS:
        module = import_module(door)
        out[f"api/{door}.md"] = page(door, module, seen)
        rows.append(f"| [`{door}`]({door}.md) | {summary(module)} |")
    toctree = "\n".join(["```{toctree}", ":hidden:", "", *DOORS, "```"])
    head = "# Python interface\n\nWhat stands here is public; all else may change. Written from the docstrings.\n"
    out["api/index.md"] = "\n".join([head, "| module | what it is |", "|---|---|", *rows, "", toctree, ""])
    return out


def page(door, module, seen):
    parts = [f"# `{door}`", markdown(inspect.getdoc(module) or "")]
    for name in module.__all__:
        thing = getattr(module, name)
        if (place := seen.setdefault(identity(thing), (door, name)))[0] != door:
            parts.append(f"## `{name}`\n\nThe same as [`{place[0]}.{place[1]}`]({place[0]}.md).")
        else:
            parts.append(f"## `{name}`\n\n{entry(door, name, thing)}")
    return "\n\n".join(parts) + "\n"


def identity(thing):
    return id(thing) if callable(thing) else (type(thing), repr(thing))


def entry(door, name, thing):
    """A directive of Python's domain, with members nested."""
    if inspect.isclass(thing):
        body = [markdown(documentation(thing))]
        body += [member(thing, f"{door}.{name}", key, value) for key, value in members(thing)]
        return directive("class", f"{door}.{name}{signature(thing)}", "\n\n".join(filter(None, body)), ":" * 5)
    if callable(thing):
        return directive("function", f"{door}.{name}{signature(thing)}", markdown(documentation(thing)))
    return directive("data", f"{door}.{name}", markdown(documentation(type(thing))))


def member(cls, owner, name, value):
    body = markdown(said(cls, name))
    if isinstance(value, property) or hasattr(value, "func"):
        return directive("property", f"{owner}.{name}", body)
    function = getattr(value, "__func__", value)
    kind = {staticmethod: "staticmethod", classmethod: "classmethod"}.get(type(value), "method")
    return directive(kind, f"{owner}.{name}{signature(function, kind != 'staticmethod')}", body)


def said(cls, name):
    """The docstring of a member, or of the one that it overrides."""
    values = [vars(base)[name] for base in cls.__mro__ if name in vars(base)]
    functions = [getattr(v, "fget", None) or getattr(v, "func", None) or getattr(v, "__func__", v) for v in values]
    return next(filter(None, map(documentation, functions)), "")


def members(cls):
    """Public functions and properties that a class of ours defines or has from a parent of ours, each once."""
    out = {}
    for base in reversed(cls.__mro__):
        if base.__module__.startswith("mesocosm"):
            for name, value in vars(base).items():
                is_one = isinstance(value, (property, staticmethod, classmethod)) or inspect.isfunction(value)
                if not name.startswith("_") and (is_one or hasattr(value, "func")):
                    out[name] = value
    return out.items()


def documentation(thing):
    """A docstring of its own; the one that `dataclass` makes up is none, and neither is that of a foreign base."""
    text = thing.__doc__ or ""
    name = getattr(thing, "__name__", "")
    return "" if text.startswith(f"{name}(") else inspect.cleandoc(text)


def signature(thing, is_method=False):
    try:
        found = inspect.signature(thing)
    except (TypeError, ValueError):
        return "()"
    parameters = list(found.parameters.values())[1 if is_method else 0 :]
    if any("Annotated[" in str(p.annotation) for p in parameters):
        return "(**fields)"  # a configuration: its fields are explained one by one
    returns = Written(found.return_annotation) if isinstance(found.return_annotation, str) else found.return_annotation
    return str(found.replace(parameters=[plain(p) for p in parameters], return_annotation=returns))


class Written(str):
    """An annotation as it is written, without quotes."""

    __repr__ = str.__str__


def plain(parameter):
    """A parameter with its annotation as written; a default that has no literal is shown as dots."""
    if isinstance(parameter.annotation, str):
        parameter = parameter.replace(annotation=Written(parameter.annotation))
    default = parameter.default
    if default is parameter.empty or isinstance(default, bool | int | float | str | type(None) | tuple):
        return parameter
    return parameter.replace(default=...)


def directive(kind, signed, body, fence=":::"):
    signed = " ".join(signed.split()).replace("Ellipsis", "...")
    return f"{fence}{{py:{kind}}} {signed}\n:no-index-entry:\n\n{body}\n{fence}"


def summary(module):
    return (inspect.getdoc(module) or "").split("\n")[0]


def markdown(text):
    """A docstring as Markdown: sections become lists, examples code."""
    out, section = [], None
    for line in fenced(text.expandtabs().splitlines()):
        head = line.strip().rstrip(":")
        if line.endswith(":") and head in SECTIONS and not line.startswith(" "):
            section = head
            out += ["", f"**{head}**", ""]
        elif section and line and not line.startswith(" "):
            section = None
            out += ["", line]
        elif section and (found := re.match(r" {2}(\*{0,2}[\w., *]+?): (.*)", line)):
            out.append(f"- `{found[1]}`: {found[2]}")
        elif section:
            out.append(line)
        else:
            out.append(line)
    return "\n".join(out).strip()


def fenced(lines):
    """The same with `>>>` examples between fences."""
    out, is_open = [], False
    for line in lines:
        if line.lstrip().startswith(">>>") and not is_open:
            out += ["", "```pycon"]
            is_open = True
        elif is_open and not line.strip():
            out += ["```"]
            is_open = False
        out.append(line.strip() if is_open else line)
    return [*out, "```"] if is_open else out
