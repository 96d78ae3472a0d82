"""`mesocosm check`: every bad part is told in a sentence with its remedy, and a good one passes."""

import subprocess
import sys
import textwrap
from pathlib import Path

from mesocosm.cli.main import main
from mesocosm.studies.check import check
from mesocosm.studies.runner import surroundings
from tests.answers import as_the_schema_says

HEAD = "import os, random, sys, time\nimport numpy as np\nfrom mesocosm.studies.component import component\nheld = []\n"
GOOD = """
@component(slot="subject")
def good(shift: float = 0.5):
    return lambda seed, budget: random.Random(seed).gauss(0, 1) + shift
"""
BAD = {  # the body of a subject's function, and the words that must be said
    "raises": ('raise ValueError("I am broken")', "a trial with seed 0 fails: ValueError: I am broken"),
    "hangs": ("time.sleep(1000)", "hangs: the first trial did nothing for"),
    "spins": ("while True: pass", "s of processor time, during the first trial"),
    "prints": ('[print("x" * (1 << 20)) for _ in range(1024)]; return 1.0', "prints without end"),
    "forks": (
        "pid = os.fork()\n        if pid == 0: os.setsid(); time.sleep(1000)\n        return float(seed)",
        "leaves processes behind: 8 after 8 trials",
    ),
    "nan": ('return float("nan")', "gives nan with seed 0"),
    "shaped": ("return np.zeros((2, 3))", "an array of shape (2, 3)"),
    "text": ('return "0.3"', "the metric must be one number, not str"),
    "grows": ("held.append(bytearray(b'x' * (4 << 20))); return float(seed)", "leaks: 4."),
    "swells": ("while True: held.append(bytearray(b'x' * (50 << 20)))", "MB more than before, during the first trial"),
    "chance": ("return random.random()", "not deterministic: seed 0 gave"),
    "counts": ("held.append(0); return float(len(held))", "not deterministic: seed 0 gave 1.0, then 5.0"),
    "exits": ('print("my last words", flush=True); os._exit(3)', "exit code 3 during the first trial; it last printed"),
    "leaves": ("sys.exit(0)", "fails: SystemExit"),
}
MADE = {  # whole parts, and what is said of them
    "def needs(rate): return lambda seed, budget: 1.0": "its parameter rate has no default",
    "def many(**more): return lambda seed, budget: 1.0": "takes **more",
    "def object(rate=np.ones(2)): return lambda seed, budget: 1.0": "its parameter rate = array([1., 1.]) cannot be",
    "def infinite(rate=float('inf')): return lambda seed, budget: 1.0": "cannot be written into a study",
    "def none(): pass": "making it gives None",
    "def number(): return 3": "made int, not a function",
    "def asks(): return lambda seed, budget, level: 1.0": "asks for level, which only a study could give",
    "def broken(): return 1 / 0": "making it with its defaults fails: ZeroDivisionError",
}


def test_a_good_part_passes(tmp_path):
    (tmp_path / "good.py").write_text(HEAD + GOOD)
    (found,) = check(str(tmp_path / "good.py"))
    assert (found.slot, found.name, found.faults, found.notes) == ("subject", "good", [], [])


def test_every_bad_part_is_told_with_its_remedy(tmp_path):
    parts = [
        f'@component(slot="subject")\ndef {name}():\n    def draw(seed, budget):\n        {body}\n    return draw\n'
        for name, (body, _) in BAD.items()
    ]
    parts += [f'@component(slot="subject")\n{text}\n' for text in MADE]
    (tmp_path / "bad.py").write_text(HEAD + "\n".join(parts))
    found = check(str(tmp_path / "bad.py"), seconds=1.5, megabytes=300)
    words = {name: said for name, (_, said) in BAD.items()}
    words |= {text.partition("(")[0].removeprefix("def "): said for text, said in MADE.items()}
    assert [one.name for one in found] == list(words)
    for one in found:
        assert len(one.faults) == 1, one
        assert words[one.name] in one.faults[0].what, one
        assert one.faults[0].mend


def test_other_slots_have_contracts_of_their_own(tmp_path):
    (tmp_path / "parts.py").write_text(
        HEAD
        + textwrap.dedent("""
        @component(slot="optimiser")
        def heavy_ball(rate: float = 0.1, momentum: float = 0.9):
            import optax

            return optax.sgd(rate, momentum)

        @component(slot="optimiser")
        def flat():
            import jax, optax

            return optax.GradientTransformation(lambda w: (), lambda g, s, w: (jax.tree.map(lambda x: x.ravel(), g), s))

        @component(slot="learner")
        def odd():
            return lambda split, steps, seeds: 0.5

        @component(slot="optimiser")
        def adam():
            import optax

            return optax.adam(0.1)
        """)
    )
    found = {one.name: one for one in check(str(tmp_path / "parts.py"), seconds=30)}
    assert found["heavy-ball"].faults == []
    assert "updates are" in found["flat"].faults[0].what
    assert "learning gives float" in found["odd"].faults[0].what
    assert "takes the place of a component" in found["adam"].faults[0].what


def test_the_words_of_the_command(tmp_path, capsys, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path("mine.py").write_text(HEAD + GOOD + GOOD.replace("good", "bad").replace("+ shift", "/ 0"))
    assert main(["check", "mine.py:good"]) == 0
    assert capsys.readouterr().out.startswith("subject good: ok")
    assert main(["check", "mine.py", "--json"]) == 1
    told = as_the_schema_says(capsys.readouterr().out)["components"]
    assert [one["ok"] for one in told] == [True, False] and "ZeroDivisionError" in told[1]["faults"][0]["what"]
    assert main(["check", "mine.py:other"]) == 2
    assert main(["check", "theirs.py"]) == 2
    assert "theirs.py: is no file" in capsys.readouterr().err
    Path("torn.py").write_text("1 / 0")
    assert main(["check", "torn.py"]) == 1
    assert "ZeroDivisionError" in capsys.readouterr().out


def test_a_part_of_another_package_is_found_by_its_entry_point(tmp_path, monkeypatch):
    """What a third party writes: one module and two lines of metadata."""
    (tmp_path / "theirs.py").write_text(HEAD + GOOD.replace("good", "their_own"))
    info = tmp_path / "theirs-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: theirs\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text("[mesocosm.components]\ntheirs = theirs\n")
    (tmp_path / "study.toml").write_text(
        'name = "toy"\nquestion = "?"\ntasks = ["call/toy"]\nseeds = 3\nminimal_effect = 0.5\n'
        'budget = { calls = 1 }\n[vary]\nsubject = ["their-own", { component = "their-own", shift = 2.0 }]\n'
    )
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    code = "import sys; from mesocosm.cli.main import main; raise SystemExit(main(sys.argv[1:]))"
    for words in (["check", "their-own"], ["check", "theirs:their_own"], ["study", "study.toml", "--jobs", "1"]):
        done = subprocess.run(
            [sys.executable, "-c", code, *words], cwd=tmp_path, env=surroundings(), capture_output=True, text=True
        )
        assert done.returncode == 0, done.stderr
        assert "their-own: ok" in done.stdout or "6 of 6 cells: 6 ok" in done.stdout


def test_the_part_in_the_docs_is_short_and_passes(tmp_path):
    page = (Path(__file__).parents[2] / "docs" / "how-to" / "studies.md").read_text()
    (block,) = (b.partition("```")[0] for b in page.split("```python\n") if "def coin" in b.partition("```")[0])
    assert len(block.strip().splitlines()) < 20
    (tmp_path / "coin.py").write_text(block)
    (found,) = check(str(tmp_path / "coin.py"))
    assert (found.name, found.faults) == ("coin", [])
