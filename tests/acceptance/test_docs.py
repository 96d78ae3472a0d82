"""What the pages say works: Python blocks run, commands and their flags exist, scripts are there."""

import os
import re
import shlex
import shutil
import sys
from pathlib import Path
from typing import NamedTuple

import pytest

from mesocosm.cli import main

ROOT = Path(__file__).resolve().parents[2]
WRITTEN = [p for p in sorted((ROOT / "docs").rglob("*.md")) if "generated" not in p.parts]
PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *WRITTEN]
EXAMPLES = ROOT / "docs" / "examples"
FENCE = re.compile(r"^(?P<indent> *)(?P<ticks>`{3,})(?P<language>[\w{}-]*)")


class Block(NamedTuple):
    language: str
    first_line: int  # of the text inside the fence, counted from 1
    text: str


def read_blocks(page: str) -> list[Block]:
    """The fenced blocks of a Markdown page, in order, without their indentation."""
    blocks = []
    opening, lines, first_line = None, [], 0
    for number, line in enumerate(page.splitlines(), start=1):
        if opening is None:
            if opening := FENCE.match(line):
                lines, first_line = [], number + 1
        elif line.strip() == opening["ticks"]:
            blocks.append(Block(opening["language"], first_line, "\n".join(lines) + "\n"))
            opening = None
        else:
            lines.append(line.removeprefix(opening["indent"]))
    if opening is not None:
        raise ValueError(f"the block that begins in line {first_line - 1} is never closed")
    return blocks


def pages_with(language: str) -> list[Path]:
    return [page for page in PAGES if any(b.language == language for b in read_blocks(page.read_text()))]


def name(page: Path) -> str:
    return page.relative_to(ROOT).as_posix()


def commands(program: str) -> list[str]:
    """Each different line `$ program ...` of the console blocks of all pages."""
    found = {}
    for page in PAGES:
        for block in read_blocks(page.read_text()):
            if block.language == "console":
                for line in block.text.splitlines():
                    if line.startswith(f"$ {program}"):
                        found[line.removeprefix("$ ")] = None
    return list(found)


def test_blocks_are_found_where_they_stand():
    page = "a\n```python\nx = 1\n```\n\n    ```console\n    $ ls\n      b\n    ```\n````text\n```\n````\n"
    assert read_blocks(page) == [
        Block("python", 3, "x = 1\n"),
        Block("console", 7, "$ ls\n  b\n"),
        Block("text", 11, "```\n"),
    ]
    with pytest.raises(ValueError, match="line 2"):
        read_blocks("a\n```python\nx = 1\n")


@pytest.mark.parametrize("page", PAGES, ids=name)
def test_every_fence_is_closed_and_named(page):
    for block in read_blocks(page.read_text()):
        assert block.language, f"{name(page)}:{block.first_line - 1}: name the block's language, or `text`"


PIPE = re.compile(r"(?<!\\)\|")


@pytest.mark.parametrize("page", PAGES, ids=name)
def test_every_row_of_a_table_has_as_many_cells_as_its_head(page):
    """A bare pipe in a cell ends it, in code too, and what comes last is not shown."""
    text = re.sub(r"(?ms)^ *(`{3,}).*?^ *\1 *$", "", page.read_text())
    for table in re.findall(r"(?m)(?:^\|.*\n)+", text):
        counts = {line: len(PIPE.findall(line.strip())) for line in table.splitlines()}
        first = next(iter(counts.values()))
        assert not [line for line, n in counts.items() if n != first]


@pytest.mark.parametrize("page", pages_with("python"), ids=name)
def test_python_blocks_run(page, tmp_path, monkeypatch):
    """In order, in one namespace a page, in a folder that holds the examples and nothing else."""
    for example in EXAMPLES.glob("*.py"):
        shutil.copy(example, tmp_path)
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(str(tmp_path))  # as at a prompt in this folder
    namespace = {"__name__": "__main__"}
    for block in read_blocks(page.read_text()):
        if block.language == "python":
            source = "\n" * (block.first_line - 1) + block.text  # so that a traceback names the page's line
            exec(compile(source, str(page), "exec"), namespace)


@pytest.mark.parametrize("command", commands("mesocosm"))
def test_commands_and_their_flags_exist(command, monkeypatch, capsys):
    words = shlex.split(command, comments=True)[1:]
    called = words[:1]
    if words[:1] == ["run"] and len(words) > 1 and not words[1].startswith("-"):
        called = words[:2]  # each experiment has flags of its own
    monkeypatch.chdir(EXAMPLES)
    monkeypatch.setenv("COLUMNS", "200")
    monkeypatch.setenv("NO_COLOR", "1")
    with pytest.raises(SystemExit) as left:
        sys.exit(main([*called, "--help"]))
    shown = capsys.readouterr()
    assert not left.value.code, shown.err
    offered = set(re.findall(r"--[\w.-]+", shown.out + shown.err))
    used = {word.split("=")[0] for word in words if word.startswith("--")} - {"--help"}
    assert used <= offered, f"`mesocosm {' '.join(called)} --help` does not know {sorted(used - offered)}"


@pytest.mark.parametrize("page", PAGES, ids=name)
def test_scripts_exist(page):
    for block in read_blocks(page.read_text()):
        if block.language in ("bash", "console"):
            for script in re.findall(r"(?:^|\s)\.?/?(scripts/[\w-]+)", block.text):
                assert os.access(ROOT / script, os.X_OK), f"{name(page)} names {script}, which cannot be run"
