"""What `--json` prints, held against its schema for every command that takes it; exit codes; completion in shells."""

import argparse
import json
import re
import shutil
import subprocess
import sys
from pathlib import Path

import jsonschema
import pytest

import mesocosm as mc
from mesocosm.cli import answer, main
from mesocosm.cli.completion import SCRIPTS
from mesocosm.cli.main import _parser
from mesocosm.protocol.registry import names
from tests.answers import SCHEMA, as_the_schema_says
from tests.bacteria import RUN

pytestmark = pytest.mark.xdist_group("bacteria")
ROOT = Path(__file__).parents[2]
ELSEWHERE = {"progress", "optimum", "check"}
"""Held against the schema where their small runs are, in tests/unit."""
CALLS = {
    "run": "run chemotaxis --config dish.toml --out runs/dish",
    "resume": "resume dish",
    "show": "show dish",
    "list": "list",
    "report": "report dish",
    "compare": "compare dish dish",
    "export": "export dish --to html",
    "review": "review chemotaxis",
    "study": "study study.toml --dry-run",
    "new": "new walker",
    "measure": "measure dish diversity",
    "doctor": "doctor",
}


@pytest.fixture(scope="module")
def laboratory(tmp_path_factory):
    """A folder with a finished run of bacteria and all that follows it, runs/dish."""
    folder = tmp_path_factory.mktemp("answers")
    run = mc.run("chemotaxis", **RUN, out=folder / "runs" / "dish")
    shutil.copy(run.folder / "config.toml", folder / "dish.toml")
    shutil.copy(ROOT / "studies" / "chemotaxis-map.toml", folder / "study.toml")
    damaged = folder / "runs" / "torn"
    damaged.mkdir()
    (damaged / "run.json").write_text("{")
    return folder


def told(words: str, capsys, code: int = 0) -> dict:
    """What a command answers."""
    capsys.readouterr()
    assert main([*words.split(), "--json", "--quiet"]) == code
    return as_the_schema_says(capsys.readouterr().out)


def commands() -> dict[str, argparse.ArgumentParser]:
    (action,) = (a for a in _parser()._actions if isinstance(a, argparse._SubParsersAction))
    return dict(action.choices)


def test_every_command_that_takes_json_is_tried_here():
    takes_it = {n for n, p in commands().items() if any("--json" in a.option_strings for a in p._actions)}
    serving = {"watch", "serve"}
    assert takes_it - serving == set(CALLS) | ELSEWHERE, "these print an address and serve until they are stopped"
    answered = {name.removeprefix("answer-") for name in SCHEMA["$defs"] if name.startswith("answer-")}
    assert answered == (set(CALLS) | ELSEWHERE) - {"run", "resume"}, "run and resume answer as show does"


@pytest.mark.parametrize("command", CALLS)
def test_the_answer_is_as_the_schema_says(command, laboratory, monkeypatch, capsys):
    monkeypatch.chdir(laboratory)
    said = told(CALLS[command], capsys)
    answered = "show" if command in ("run", "resume") else command
    assert said["command"] == answered


def test_a_schema_that_lacks_what_is_told_is_refused(laboratory, monkeypatch, capsys):
    monkeypatch.chdir(laboratory)
    said = told("show dish", capsys)
    for wrong in ({**said, "more": 1}, {**said, "alive": "all"}, {k: v for k, v in said.items() if k != "findings"}):
        with pytest.raises(jsonschema.ValidationError):
            jsonschema.validate(wrong, SCHEMA)


def test_the_schema_is_printed_and_is_one(capsys):
    assert main(["schema"]) == 0
    assert json.loads(capsys.readouterr().out) == SCHEMA
    jsonschema.Draft202012Validator.check_schema(SCHEMA)


def test_what_is_not_finite_becomes_null(capsys):
    answer.print_json("list", {"rows": [(float("nan"), 1.5)], "most": float("inf")})
    assert json.loads(capsys.readouterr().out)["rows"] == [[None, 1.5]]


def test_exit_codes_are_those_of_the_page(laboratory, monkeypatch, capsys, tmp_path):
    monkeypatch.chdir(laboratory)
    page = (ROOT / "docs" / "reference" / "command-line.md").read_text("utf-8")
    documented = {int(n) for n in re.findall(r"^\| (\d+) \|", page, re.MULTILINE)}
    assert documented == {0, 1, 2, 3, 130}
    found = {f["name"]: f["verdict"] for f in told("show dish", capsys)["findings"]}
    other = "refuted" if found["follows"] != "refuted" else "supported"
    assert told(f"show dish --require follows={found['follows']}", capsys)["status"] == "finished"
    told(f"show dish --require follows={other}", capsys, code=1)
    assert main(["show", "nowhere"]) == 2
    assert main(["run", "chemotaxis", "--replicates", "0"]) == 2
    with pytest.raises(SystemExit) as refused:
        main(["show"])
    assert refused.value.code == 2
    monkeypatch.setattr("mesocosm.cli.show.list_all", lambda options: (_ for _ in ()).throw(KeyboardInterrupt))
    assert main(["list"]) == 130
    monkeypatch.setattr("mesocosm.cli.show.list_all", lambda options: (_ for _ in ()).throw(MemoryError("no room")))
    assert main(["list"]) == 3


# -- completion ------------------------------------------------------------------------------------------------------


def offered(*words: str, capsys) -> list[str]:
    capsys.readouterr()
    assert main(["complete", "--", *words]) == 0
    return [line.split("\t")[0] for line in capsys.readouterr().out.splitlines()]


def test_what_is_offered_comes_from_the_parser_the_declarations_and_the_folder(laboratory, monkeypatch, capsys):
    monkeypatch.chdir(laboratory)
    assert set(commands()) - {"complete"} <= set(offered("", capsys=capsys))
    assert offered("ru", capsys=capsys) == ["run"]
    assert [w for w in offered("run", "", capsys=capsys) if not w.startswith("-")] == list(names())
    assert offered("run", "chemotaxis", "--world.sp", capsys=capsys) == ["--world.speed"]
    assert offered("run", "chemotaxis", "--mind.policy", "", capsys=capsys) == ["softmax", "argmax"]
    assert offered("run", "trend", "--preset", "p", capsys=capsys) == ["paper"]
    assert offered("run", "trend", "--require", "sign=s", capsys=capsys) == ["sign=supported"]
    assert offered("show", "d", capsys=capsys) == ["dish", ":files"]
    assert "dish" in offered("compare", "dish", "", capsys=capsys)
    assert "dish" not in offered("report", "dish", "", capsys=capsys)
    assert "phylogeny" in offered("export", "dish", "--to", "", capsys=capsys)
    assert offered("nonsense", "--x", capsys=capsys) == []
    for name, parser in commands().items():
        long = {w for a in parser._actions for w in a.option_strings if w.startswith("--")}
        assert name == "complete" or long <= set(offered(name, "-", capsys=capsys)), name


def test_tab_waits_for_nothing_heavy():
    call = (
        "import sys; from mesocosm.cli import main; main(['complete', '--', 'run', 'chemotaxis', '--world.']); "
        "heavy = {'jax', 'scipy', 'numpy', 'tyro'} & set(sys.modules); assert not heavy, heavy"
    )
    done = subprocess.run([sys.executable, "-c", call], text=True, capture_output=True)
    assert done.returncode == 0, done.stderr


ASKED = {"mesocosm ru": ["run"], "mesocosm run chem": ["chemotaxis"], "mesocosm export dish --to pa": ["parquet"]}
SHELLS = {
    "bash": """{script}
for line in {lines}; do
  COMP_LINE=$line; COMP_POINT=${{#line}}; _mesocosm 2>/dev/null; echo "${{COMPREPLY[@]}}"
done""",
    "fish": """{script}
for line in {lines}; echo (complete -C $line | cut -f1); end""",
    "zsh": "",
}


@pytest.mark.parametrize("shell", SCRIPTS)
def test_in_the_shell_itself(shell, laboratory, tmp_path, capsys):
    if shutil.which(shell) is None:
        pytest.skip(f"NOT TESTED: completion in {shell}, which is not on PATH")
    assert main(["completion", shell]) == 0
    script = capsys.readouterr().out
    own = tmp_path / "mesocosm"
    call = "import sys; from mesocosm.cli import main; sys.exit(main())"
    own.write_text(f'#!/bin/sh\nexec {sys.executable} -c "{call}" "$@"\n')
    own.chmod(0o755)
    path = tmp_path / f"script.{shell}"
    path.write_text(SHELLS[shell].format(script=script, lines=" ".join(f"'{a}'" for a in ASKED)) or script)
    words = [shell, "-n", str(path)] if shell == "zsh" else [shell, str(path)]  # zsh completes at a terminal only
    env = {"PATH": f"{tmp_path}:/usr/bin:/bin", "HOME": str(tmp_path)}
    done = subprocess.run(words, cwd=laboratory, env=env, text=True, capture_output=True, timeout=120)
    assert done.returncode == 0, done.stderr
    if shell != "zsh":
        assert [line.split() for line in done.stdout.splitlines()] == list(ASKED.values())
