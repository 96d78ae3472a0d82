"""`new`: a file to begin with. The name of an example of the tutorials gives that example; any other the smallest
experiment that keeps the rules, and its test.
"""

from __future__ import annotations

import argparse
import ast
from importlib.resources import files
from pathlib import Path
from typing import Any

from mesocosm.cli.answer import print_json
from mesocosm.protocol.registry import SHELF
from mesocosm.record import ConfigurationError

_PACKAGE = Path(__file__).parents[1]


def add(commands: Any, common: argparse.ArgumentParser) -> None:
    """The words of `new`."""
    named = ", ".join(examples())
    new = commands.add_parser("new", parents=[common], help="write the smallest experiment that keeps the rules")
    new.add_argument(
        "name",
        metavar="WORD",
        help=f"of the experiment: WORD.py and test_WORD.py are written here; or an example of the tutorials: {named}",
    )


def new(options: argparse.Namespace) -> int:
    """Write it; nothing that is there is replaced."""
    name = options.name.removesuffix(".py")
    if not name.isidentifier() or not name.isascii() or name.startswith("_"):
        raise ConfigurationError(f"{options.name}: must be a word of letters, digits and _ that begins with a letter")
    if name.replace("_", "-") in SHELF.own():
        runs = f"mesocosm run {name.replace('_', '-')}"
        raise ConfigurationError(
            f"{options.name}: an experiment of this name comes with mesocosm (`{runs}` runs it); choose another one"
        )
    example = examples().get(name)
    texts = {f"{name}.py": example.read_text("utf-8")} if example else _walker(name)
    for path, text in texts.items():
        _write(Path(path), text)
    if options.json:
        print_json("new", {"files": [*texts]})
    else:
        print(_told(name, texts, is_example=example is not None))
    return 0


def examples() -> dict[str, Path]:
    """Examples of the tutorials, by name: in the installed package, or in the sources."""
    installed = _PACKAGE / "examples"
    folder = installed if installed.is_dir() else _PACKAGE.parents[1] / "docs" / "examples"
    return {path.stem: path for path in sorted(folder.glob("*.py"))}


def _walker(name: str) -> dict[str, str]:
    """The smallest experiment and its test, under a name of one's own."""
    texts = files("mesocosm") / "testing" / "templates"
    of_class = "".join(part.capitalize() for part in name.split("_"))
    out = {}
    for template, path in (("experiment.txt", f"{name}.py"), ("test.txt", f"test_{name}.py")):
        text = (texts / template).read_text("utf-8").replace("NAME", name).replace("LABEL", name.replace("_", "-"))
        out[path] = text.replace("CLASS", of_class)
    return out


def _write(path: Path, text: str) -> None:
    try:
        with open(path, "x", encoding="utf-8") as file:
            file.write(text)
    except FileExistsError:
        raise ConfigurationError(f"{path}: is there already; choose another name, or move it away") from None
    except OSError as error:
        raise ConfigurationError(f"{path}: cannot be written here ({error.strerror})") from None


def _told(name: str, texts: dict[str, str], is_example: bool) -> str:
    """What was written, and what can be done with it."""
    file, text = f"{name}.py", texts[f"{name}.py"]
    if not is_example:
        return "\n".join(
            (
                f"wrote {' and '.join(texts)}: a walker on a line, for you to put your own law in its place\n",
                f"mesocosm run {file}      runs it",
                f"mesocosm check {file}    holds it to the rules of experiments",
                f"pytest test_{file}       runs its tests; pytest comes with: pip install pytest",
            )
        )
    about = (ast.get_docstring(ast.parse(text)) or "").splitlines()[0]
    does = (f"mesocosm check {file}", "tries it")
    if "\nDECLARATION =" in text:
        does = (f"mesocosm run {file}", "runs it")
    elif "\nANALYSIS =" in text:
        does = (f"mesocosm measure RUN {file}", "works it out of a run")
    return f"wrote {file}, an example of the tutorials: {about}\n\n{does[0]}    {does[1]}"
