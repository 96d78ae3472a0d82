"""What the tests of faults share: runs that are cut off like a kill, and a command that must speak plainly."""

from dataclasses import replace
from pathlib import Path

import pytest

from mesocosm.cli import main
from mesocosm.core import run
from mesocosm.experiments.bilinear.declaration import BilinearConfiguration
from mesocosm.experiments.chemotaxis.declaration import ChemotaxisConfiguration
from mesocosm.protocol.launch import prepare
from mesocosm.record import Record, load
from mesocosm.record.configuration import from_dict

GAME = BilinearConfiguration(replicates=2, ticks=2000, every=1)
DISH = from_dict(
    ChemotaxisConfiguration,
    {"replicates": 2, "ticks": 200, "every": 20, "world": {"side": 16, "founders": 32, "ceiling": 64}},
)
LONG = {"bilinear": replace(GAME, ticks=20000), "chemotaxis": replace(DISH, ticks=20000)}

CHILD = """
import sys
from pathlib import Path
from mesocosm.core import resume, run
from mesocosm.protocol.launch import prepare
from tests.acceptance.breaking import LONG
setup, plan = prepare(sys.argv[2], LONG[sys.argv[2]])
go = resume if Path(sys.argv[1], "run.json").exists() else run
print("begun", flush=True)
go(setup, plan, Path(sys.argv[1]), progress=lambda p: print(p.tick, flush=True), checkpoint_seconds=0.05)
"""


def world(**changes) -> ChemotaxisConfiguration:
    return replace(DISH, world=replace(DISH.world, **changes))


def going(configuration, folder: Path, go=run, **options) -> Record:
    name = type(configuration).__name__.removesuffix("Configuration").lower()
    return go(*prepare(name, configuration), folder, **{"checkpoint_seconds": 0.0, **options})


class PowerCut(BaseException):
    """Ends a run like a kill: nothing catches it."""


def crash_at(tick: int):
    def progress(p):
        if p.tick >= tick:
            raise PowerCut

    return progress


def crashed(configuration, folder: Path, tick: int) -> Path:
    with pytest.raises(PowerCut):
        going(configuration, folder, progress=crash_at(tick))
    assert load(folder).status == "killed"
    return folder


def plainly(capsys, *words: str | Path, code: int) -> str:
    """What the command says; no traceback, no talk of a fault of ours."""
    assert main([*map(str, words)]) == code, capsys.readouterr()
    said = capsys.readouterr()
    assert "Traceback" not in said.err and "This is a fault" not in said.err, said.err
    return said.err


def checkpoints(folder: Path) -> list[Path]:
    return sorted((folder / "checkpoints").iterdir())


def flip_a_byte(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)
