"""`review`: office hours for a plan, without jax. With `--ask`, or without a file, as a conversation."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import Any

from mesocosm.cli.answer import print_json
from mesocosm.record import ConfigurationError, FolderError, MesocosmError


def add(commands: Any, common: argparse.ArgumentParser) -> None:
    """The words of `review`."""
    review = commands.add_parser("review", parents=[common], help="office hours: what is wrong with a plan")
    review.add_argument(
        "file",
        metavar="FILE",
        nargs="?",
        help="a plan: facts or a study in TOML, prose (.md, .txt), a Python file with a Declaration, a run, an "
        "experiment; without one, you are asked",
    )
    review.add_argument("--ask", action="store_true", help="ask back, one question at a time; read from stdin")
    review.add_argument(
        "--write", metavar="PLAN.toml", help="end with a file that `run NAME --config` or `study` takes"
    )


def review(options: argparse.Namespace) -> int:
    """Answer an experiment, a study, a declaration, prose or a run; or ask what there is to know."""
    from mesocosm.review import read_design
    from mesocosm.review import review as reviewed
    from mesocosm.studies.shipped import file_of

    if options.ask or options.file is None:
        return _converse(options)
    answer = reviewed(read_design(str(file_of(options.file))))
    if options.json:
        print_json("review", answer.to_dict())
    else:
        print(answer.words())
        if answer.asks:
            print(f"\nAnswer them with: mesocosm review {options.file} --ask --write plan.toml")
    if options.write:
        _write(options.write, read_design(str(file_of(options.file))), _runs_of(options))
    return 0


def _converse(options: argparse.Namespace) -> int:
    """Ask, take answers, read the plan again; at the end say what is still wrong, and write what can be run."""
    from mesocosm.review.advice import review as reviewed
    from mesocosm.review.asking import answered, questions
    from mesocosm.review.design import of_facts

    values, path = _facts_in(options.file)
    passed: set[str] = set()  # what is asked once is not asked again: it is an objection, if it stays wrong
    _say("An empty answer passes; `?` says why it is asked; Ctrl-D ends.\n")
    while (open_ := [q for q in questions(of_facts(path, values)) if q.words not in passed]) != []:
        question = open_[0]
        passed.add(question.words)
        said = _answer(f"{question.words}\n> ", question.why)
        if said is None:
            break
        if said:
            try:
                values = answered(values, question.fact, said)
            except MesocosmError as error:
                _say(f"{error}\n")
                passed.discard(question.words)
    design = of_facts(path, values)
    answer = reviewed(design)
    print_json("review", answer.to_dict()) if options.json else print(f"\n{answer.words()}")
    while options.write and (runs := _answer(_WHAT_RUNS, "So that the plan can be run.")):
        try:
            _write(options.write, design, runs)
            break
        except ConfigurationError as error:
            _say(f"{error}\n")
    return 0


_WHAT_RUNS = "What is run? (an experiment: chemotaxis, signalling ...; or tasks of a study: swap/wine, swap/iris)\n> "


def _facts_in(file: str | None) -> tuple[dict[str, Any], Path]:
    """The facts of a plan, to be asked on.

    Raises:
      ConfigurationError: for what holds no facts of its own, a run or an experiment.
    """
    from mesocosm.record.configuration import text_of
    from mesocosm.review.design import WORDS, read_toml
    from mesocosm.review.prose import facts_of

    if file is None:
        return {}, Path("plan")
    path = Path(file)
    if path.suffix in (".md", ".txt") and path.is_file():
        return facts_of(text_of(path, file), WORDS), path
    if path.suffix != ".toml" or not path.is_file():
        raise ConfigurationError(f"{file}: --ask goes on from facts in TOML or prose (.md, .txt)")
    return read_toml(path), path


def _runs_of(options: argparse.Namespace) -> str:
    """The experiment that the reviewed file is, if it is one."""
    from mesocosm.protocol.registry import is_known

    return options.file if options.file and is_known(options.file) else ""


def _answer(prompt: str, why: str) -> str | None:
    """What is typed; None at the end of the input."""
    while True:
        _say(prompt)
        line = sys.stdin.readline()
        if not line:
            return None
        if line.strip() != "?":
            return line.strip()
        _say(f"{why}\n")


def _say(words: str) -> None:
    print(words, end="", file=sys.stderr, flush=True)


def _write(name: str, design: Any, runs: str) -> None:
    """Write the plan.

    Raises:
      FolderError: if something of the user's lies there.
    """
    from mesocosm.review.planfile import MADE, plan_file

    path = Path(name)
    text, command = plan_file(design, runs)
    if path.exists() and not path.read_text("utf-8", "replace").startswith(MADE):
        raise FolderError(f"{path}: is there, and no plan of `review`; name another file with --write")
    path.write_text(text, "utf-8")
    _say(f"written: {path}\nnext: {command.replace('plan.toml', str(path))}\n")
