"""`completion SHELL`: what a shell needs to complete the command line; and what it asks at every press of Tab.

The scripts ask `mesocosm complete -- WORDS`, whose answer is made from the parser itself, from the declarations and
from the folders under runs/. Each line is a candidate, a tab, and what it is; a first line `:files` asks for file
names too.
"""

from __future__ import annotations

import argparse
import dataclasses
import typing
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Literal

from mesocosm.protocol.registry import declaration, names
from mesocosm.record import MesocosmError
from mesocosm.record.configuration import Range
from mesocosm.record.header import HEADER

FILES = ":files"
Candidate = tuple[str, str]
"""What is offered, and what it is."""


def add(commands: Any) -> None:
    """The words of `completion`, and the hidden `complete`."""
    completion = commands.add_parser("completion", help="print what makes a shell complete this command")
    completion.add_argument("shell", choices=tuple(SCRIPTS), help="your shell; the first lines say where it goes")
    complete = commands.add_parser("complete")
    complete.add_argument("words", nargs="*")


def completion(options: argparse.Namespace) -> int:
    """Print the script."""
    print(SCRIPTS[options.shell].strip())
    return 0


def complete(parser: argparse.ArgumentParser, words: Sequence[str]) -> int:
    """Print the candidates for the last of the words, the one being written."""
    *before, current = words or [""]
    for value, what in candidates(parser, before):
        if value == FILES or value.startswith(current):
            print(f"{value}\t{what}" if what else value)
    return 0


def candidates(parser: argparse.ArgumentParser, before: Sequence[str]) -> Iterator[Candidate]:
    """All that may follow these words."""
    commands = _commands(parser)
    name = next((word for word in before if word in commands), None)
    if name is None:
        yield from ((a.dest, a.help or "") for a in _listed(parser))
        yield from _options(parser)
        return
    command = commands[name]
    given = list(before[before.index(name) + 1 :])
    if given and (waiting := _waiting(command, given[-1])) is not None:
        yield from _values(name, waiting, given)
        return
    experiment = next((word for word in given if word in names()), None) if name == "run" else None
    if experiment and (field := _field(experiment, given[-1])) is not None:
        yield from ((value, "") for value in _literals(field))
        return
    places = [a for a in command._actions if not a.option_strings]
    filled = _n_places(command, given)
    if places and (filled < len(places) or places[-1].nargs == "+"):
        yield from _values(name, places[min(filled, len(places) - 1)], given)
    yield from _options(command)
    if experiment:
        yield from ((f"--{path}", what) for path, what, _ in _fields(declaration(experiment).configuration))


def _commands(parser: argparse.ArgumentParser) -> dict[str, argparse.ArgumentParser]:
    (action,) = (a for a in parser._actions if isinstance(a, argparse._SubParsersAction))
    return dict(action.choices)


def _listed(parser: argparse.ArgumentParser) -> list[argparse.Action]:
    """The commands that `--help` lists."""
    (action,) = (a for a in parser._actions if isinstance(a, argparse._SubParsersAction))
    return list(action._choices_actions)


def _options(parser: argparse.ArgumentParser) -> Iterator[Candidate]:
    for action in parser._actions:
        for word in action.option_strings:
            if word.startswith("--"):
                yield word, (action.help or "").split(";")[0]


def _waiting(command: argparse.ArgumentParser, word: str) -> argparse.Action | None:
    """The option that this word names, if it waits for a value."""
    return next((a for a in command._actions if word in a.option_strings and a.nargs != 0), None)


def _n_places(command: argparse.ArgumentParser, given: Sequence[str]) -> int:
    """How many of the words stand in a place, neither options nor their values."""
    values = [False] + [_waiting(command, word) is not None for word in given]
    return sum(not word.startswith("-") and not is_value for word, is_value in zip(given, values, strict=False))


def _values(name: str, action: argparse.Action, given: Sequence[str]) -> Iterator[Candidate]:
    """What an argument can be, by what it is called in the help."""
    if action.choices:
        yield from ((str(choice), "") for choice in action.choices)
    elif action.metavar == "RUN":
        yield from _runs()
        yield FILES, ""
    elif action.metavar in ("NAME", "FILE"):
        if action.metavar == "NAME" or name == "review":
            yield from ((n, declaration(n).title) for n in names())
        if action.metavar == "FILE":
            yield FILES, ""
    elif action.metavar == "FOLDER":
        yield FILES, ""
    elif action.metavar == "PRESET":
        yield from ((p, "") for n in given if n in names() for p in declaration(n).presets)
    elif action.metavar == "CLAIM=VERDICT":
        from mesocosm.cli.results import VERDICTS

        named = [n for n in names() if n in given] or [n for n in names() if any(_is_run_of(n, word) for word in given)]
        claims = [claim for n in named for claim in declaration(n).claims]
        yield from ((f"{claim.name}={verdict}", claim.sentence) for claim in claims for verdict in VERDICTS)


def _is_run_of(name: str, word: str) -> bool:
    return Path(word).name.startswith(f"{name}-")


def _runs() -> Iterator[Candidate]:
    """Run folders under runs/, by the name that every command takes."""
    for header in sorted(Path("runs").glob(f"*/{HEADER}")):
        yield header.parent.name, "run"


def _fields(cls: Any, prefix: str = "") -> Iterator[tuple[str, str, Any]]:
    """The flags of a configuration: path, permitted values in words, type."""
    hints = typing.get_type_hints(cls, include_extras=True)
    for field in dataclasses.fields(cls):
        hint = hints[field.name]
        path = f"{prefix}{field.name.replace('_', '-')}"
        if dataclasses.is_dataclass(hint):
            yield from _fields(hint, f"{path}.")
        else:
            yield path, ", ".join(str(mark) for mark in typing.get_args(hint) if isinstance(mark, Range)), hint


def _field(experiment: str, word: str) -> Any:
    """The type of the field that a flag sets; None for other words."""
    fields = _fields(declaration(experiment).configuration)
    return next((hint for path, _, hint in fields if word.replace("_", "-") == f"--{path}"), None)


def _literals(hint: Any) -> list[str]:
    """The words that a field can be; none for a number."""
    if hint is bool:
        return ["True", "False"]
    if typing.get_origin(hint) is Literal:
        return [str(value) for value in typing.get_args(hint)]
    return [word for inner in typing.get_args(hint) for word in _literals(inner)]


def quietly(parser: argparse.ArgumentParser, words: Sequence[str]) -> int:
    """As `complete`; whatever is wrong in the folder, nobody who presses Tab is told of it."""
    try:
        return complete(parser, words)
    except (MesocosmError, OSError):
        return 0


SCRIPTS = {
    "bash": r"""
# mesocosm completion bash >> ~/.bashrc
_mesocosm() {
  local line=${COMP_LINE:0:COMP_POINT} cur found value IFS=$' \t\n'
  local -a words
  read -ra words <<< "$line"
  [[ $line == *' ' ]] && words+=('')
  cur=${words[-1]}
  COMPREPLY=()
  while IFS=$'\t' read -r value _; do
    if [[ $value == :files ]]; then
      compopt -o default 2>/dev/null
    else
      COMPREPLY+=("${value#"${cur%"${cur##*[=:]}"}"}")
    fi
  done < <("${words[0]}" complete -- "${words[@]:1}" 2>/dev/null)
}
complete -F _mesocosm mesocosm
""",
    "zsh": r"""
#compdef mesocosm
# mesocosm completion zsh > a file named _mesocosm in a folder of $fpath; or source it after compinit
_mesocosm() {
  local line value files=0
  local -a values shown
  for line in "${(@f)$("${words[1]}" complete -- "${(@)words[2,CURRENT]}" 2>/dev/null)}"; do
    value=${line%%$'\t'*}
    if [[ $value == :files ]]; then
      files=1
    elif [[ -n $value ]]; then
      values+=("$value")
      shown+=("${line//$'\t'/  }")
    fi
  done
  (( ${#values} )) && compadd -l -d shown -a values
  (( files )) && _files
}
(( $+functions[compdef] )) && compdef _mesocosm mesocosm
""",
    "fish": r"""
# mesocosm completion fish > ~/.config/fish/completions/mesocosm.fish
function __mesocosm_complete
    set -l words (commandline -opc) (commandline -ct)
    for line in ($words[1] complete -- $words[2..-1] 2>/dev/null)
        if test "$line" = :files
            __fish_complete_path (commandline -ct)
        else
            echo $line
        end
    end
end
complete -c mesocosm -f -a '(__mesocosm_complete)'
""",
}
"""What each shell reads; its first lines say where it goes."""
