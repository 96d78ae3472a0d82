"""The home of `mesocosm watch`: cards of experiments, the runs in a folder, and what a page may ask of them.

A page names experiments and runs; what it names must stand in the lists that it was shown, so that no word of it is
ever a path or a flag.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from threading import Lock
from typing import Any

import numpy as np

from mesocosm.player.encoder.encoder import Planes
from mesocosm.player.encoder.frames import pack
from mesocosm.player.encoder.panel import panel_of
from mesocosm.protocol.kept import REPORT, is_report
from mesocosm.protocol.reading import (
    RUNS,
    configuration_of,
    findings_of,
    folder_of,
    is_cut_short,
    is_followed,
    standing,
)
from mesocosm.protocol.registry import declaration, declaration_of
from mesocosm.record import ConfigurationError, MesocosmError, Record, load
from mesocosm.record.configuration import check, from_dict
from mesocosm.record.folder import ASSAYS, is_locked
from mesocosm.record.header import HEADER
from mesocosm.record.status import RunStatus
from mesocosm.viewer.cards import cards, loop
from mesocosm.viewer.errands import Errands
from mesocosm.viewer.litter import is_watched, remove
from mesocosm.viewer.live import Live
from mesocosm.viewer.opening import Place, places
from mesocosm.viewer.questions import BadQuestion, asked_of

MOST_RUNS, MOST_BESIDE = 200, 4
"""Runs that are listed, the newest; worlds that are opened side by side."""
MOST_LIVE = 2
"""Worlds that run live at once; the one that was opened first gives way."""
ASKS = {
    "cards": (),
    "runs": (),
    "loop": ("name",),
    "thumb": ("name",),
    "start": ("name", "preset", "seed"),
    "live": ("name", "preset", "seed"),
    "stop": ("name",),
    "resume": ("name",),
    "remove": ("name",),
    "open": ("names",),
}
"""What a home can be asked, and what goes with it."""
_LONGEST, _WAY = 200, 200
"""Letters of a name; frames of a point's way in a small picture."""

Begin = Callable[[str, Any], Live]
"""From the reference of an experiment and its configuration to a world that runs."""


@dataclass
class Room:
    """One page with a player: which worlds it shows."""

    places: list[Place | Live]
    title: str
    report: Path | None = None


def home_question(text: str) -> dict[str, Any]:
    """A question of the home page: `{"n": number, "ask": word}` and what `ASKS` names.

    Raises:
      BadQuestion: saying what is wrong.
    """
    asked = asked_of(text, ASKS)
    for name in ("n", *ASKS[asked["ask"]]):
        is_good, allowed = _GOOD[name]
        if not is_good(asked.get(name)):
            given = asked.get(name)
            said = f"{name} is empty" if given is None else f"{name} = {ascii(given)[:40]}"
            raise BadQuestion(f"{said}: must be {allowed}")
    return asked


def _is_name(value: Any) -> bool:
    return isinstance(value, str) and 0 < len(value) <= _LONGEST


_GOOD: dict[str, tuple[Callable[[Any], bool], str]] = {
    "n": (lambda v: type(v) is int and 0 <= v < 2**31, "a whole number from 0 to 2147483647"),
    "seed": (lambda v: type(v) is int and 0 <= v < 2**53, f"a whole number from 0 to {2**53 - 1}"),
    "name": (_is_name, f"a name of 1 to {_LONGEST} letters"),
    "preset": (lambda v: v is None or _is_name(v), f"nothing, or a name of 1 to {_LONGEST} letters"),
    "names": (
        lambda v: isinstance(v, list) and 0 < len(v) <= MOST_BESIDE and all(map(_is_name, v)),
        f"a list of 1 to {MOST_BESIDE} names",
    ),
}
"""What goes with a question: whether it is permitted, and what is."""


@dataclass
class Home:
    """What the page can be told, and what it can begin.

    Args:
      live: begins a world that runs.
      environment: of the runs that are begun.
      under: where runs lie.
      folder: where one's own files are looked for.
    """

    live: Begin
    environment: Mapping[str, str]
    under: Path = RUNS
    folder: Path = Path()
    rooms: dict[str, Room] = field(default_factory=dict)
    lock: Lock = field(default_factory=Lock)

    def __post_init__(self) -> None:
        self.errands = Errands(self.environment, self.folder.resolve())
        self.cards = {card["reference"]: card for card in cards(self.folder)}
        self._seen: dict[Path, tuple[tuple[Any, ...], dict[str, Any]]] = {}
        self._names: dict[Path, tuple[tuple[int, int], dict[str, str]]] = {}
        self._thumbs: dict[Path, tuple[int, dict[str, Any], Planes]] = {}
        self._n = 0
        self.runs()  # so that the first page finds them read

    def close(self) -> list[Path]:
        """Stop all that was begun here; the folders of runs that can be gone on with."""
        for room in self.rooms.values():
            for place in room.places:
                if isinstance(place, Live):
                    place.stop()
        return self.errands.end()

    def answer(self, asked: dict[str, Any]) -> tuple[dict[str, Any], Planes]:
        """What is said to a question, and planes."""
        match asked["ask"]:
            case "cards":
                self.cards = {card["reference"]: card for card in cards(self.folder)}
                return {"cards": list(self.cards.values())}, {}
            case "runs":
                return {"runs": self.runs()}, {}
            case "loop":
                return {}, {"content": np.frombuffer(loop(asked["name"]), np.uint8)}
            case "thumb":
                return self._thumb(self._run(asked["name"]))
            case "start":
                return self._start(asked), {}
            case "live":
                reference, configuration = self._wanted(asked)
                with suppress(MesocosmError):  # one world is enough to look at, where the experiment has it so
                    check(alone := replace(configuration, replicates=1))
                    configuration = alone
                return {"room": self._opened(Room([self.live(reference, configuration)], reference))}, {}
            case "stop":
                self._stop(self._run(asked["name"]))
            case "remove":
                folder = self._run(asked["name"])
                remove(folder, next(run for run in self.runs() if run["name"] == folder.name))
            case "resume":
                folder = self._run(asked["name"])
                self.errands.begin(folder, ["resume", str(folder.resolve())])
            case "open":
                folders = [self._run(name) for name in asked["names"]]
                live = self._lives().get(folders[0].name) if len(folders) == 1 else None
                return {"room": live or self._open(folders)}, {}
        return {}, {}

    # -- runs -----------------------------------------------------------------------------------------------------

    def runs(self) -> list[dict[str, Any]]:
        """The runs under the folder, newest first, with those that are just being begun."""
        try:
            there = [path for path in self.under.iterdir() if (path / HEADER).is_file()]
        except OSError:
            there = []
        there = sorted(there, key=_when, reverse=True)[:MOST_RUNS]
        out = [told for path in there if (told := self._told(path)) is not None]
        known = {told["name"] for told in out}
        lives = self._lives()
        begun = {path: (is_going, trouble) for path, is_going, trouble in self.errands.begun()}
        for told in out:
            is_going, trouble = begun.get(self.under / told["name"], (False, ""))
            is_live = told["name"] in lives
            is_ours = is_going or (is_live and told["status"] == RunStatus.RUNNING)
            told |= {"ours": is_ours, "trouble": trouble, "live": is_live}
            told["status"] = "running" if is_going else told["status"]
        new = [
            {"name": p.name, "status": "starting" if is_going else "failed", "ours": is_going, "trouble": trouble}
            for p, (is_going, trouble) in begun.items()
            if p.name not in known and (is_going or trouble)
        ]
        return new + out

    def _lives(self) -> dict[str, str]:
        """Rooms of the worlds that run live, by the names of their runs."""
        with self.lock:
            rooms = [(key, place) for key, room in self.rooms.items() for place in room.places]
        return {place.name: key for key, place in rooms if isinstance(place, Live) and place.is_running}

    def _stop(self, folder: Path) -> None:
        """Let a run that was begun here, or a world that is watched live, write its checkpoint and end."""
        key = self._lives().get(folder.name)
        if key is None:
            return self.errands.stop(folder)
        for place in self.rooms[key].places:
            if isinstance(place, Live):
                place.stop(why="This world was stopped from the home; its run can be resumed there.")
        return None

    def _told(self, folder: Path) -> dict[str, Any] | None:
        """A run in short; None for what cannot be read. What has not changed is not read again."""
        mark = tuple(_stamp(folder / name) for name in (HEADER, "record.sqlite", "record.sqlite-wal", REPORT))
        kept = self._seen.get(folder)
        is_over = kept and kept[0] == mark and kept[1]["status"] != RunStatus.RUNNING
        if kept and is_over and not is_locked(folder / ASSAYS):
            return dict(kept[1])
        try:
            record = load(folder)
            told = _brief(record)
        except (MesocosmError, OSError, ValueError):
            return None
        if folder not in self._names or self._names[folder][0] != mark[0]:  # presets are compared once a header
            self._names[folder] = mark[0], _named(record)
        told |= self._names[folder][1]
        self._seen[folder] = mark, told
        return dict(told)

    def _run(self, name: str) -> Path:
        """The folder of a run that stands in the list."""
        if name not in {run["name"] for run in self.runs()}:
            raise ConfigurationError(f"{name[:60]}: there is no such run under {self.under}")
        return self.under / name

    def _thumb(self, folder: Path) -> tuple[dict[str, Any], Planes]:
        """The newest frame of a run, packed; of a run without frames a measure over time."""
        record = load(folder)
        kept = self._thumbs.get(folder)
        if kept and kept[0] == record.tick:
            return kept[1], kept[2]
        said, planes = {}, {}
        with suppress(MesocosmError):
            world = places([folder])[-1].world()
            meta = world.meta()
            if meta["populations"] or meta["fields"] or meta["curves"] or meta["images"]:
                last = meta["n_frames"] - 1
                first = last - _WAY if meta["space"]["kind"] == "plane" else last  # a point is told by its way
                planes = {"content": np.frombuffer(pack(panel_of(world, first, last)), np.uint8)}
            elif meta["series"]:
                name, (ticks, values) = next(iter(meta["series"].items()))
                said = {"name": name, "ticks": list(ticks)[-200:], "values": list(values)[-200:]}
        self._thumbs[folder] = record.tick, said, planes
        return said, planes

    # -- what is begun --------------------------------------------------------------------------------------------

    def _wanted(self, asked: dict[str, Any]) -> tuple[str, Any]:
        """Reference and configuration of what a card asks for; here somebody's own code is loaded, who asked for it."""
        card = self.cards.get(asked["name"])
        if card is None:
            raise ConfigurationError(f"{asked['name'][:60]}: there is no such card")
        reference = str((self.folder / asked["name"]).resolve()) if card["from"] == "file" else asked["name"]
        declared = declaration(reference)
        configuration = declared.configuration()
        if asked["preset"]:
            if asked["preset"] not in declared.presets:
                raise ConfigurationError(f"{asked['preset'][:60]}: {declared.name} has no such preset")
            configuration = from_dict(declared.configuration, dict(declared.presets[asked["preset"]]), configuration)
        configuration = replace(configuration, seed=asked["seed"])
        check(configuration)
        return reference, configuration

    def _start(self, asked: dict[str, Any]) -> dict[str, Any]:
        """Begin a run; of one that is there already, in `there`, what became of it."""
        reference, configuration = self._wanted(asked)
        folder = folder_of(reference, configuration, self.under)
        if (folder / HEADER).exists():
            told = {str(RunStatus.FINISHED): "has been run already", str(RunStatus.RUNNING): "is being run"}
            there = told.get(str(standing(load(folder))), "was interrupted and can be resumed")
            return {"run": folder.name, "there": f"Seed {configuration.seed} {there}; another seed begins another run."}
        preset = ["--preset", asked["preset"]] if asked["preset"] else []
        words = ["run", reference, *preset, "--out", str(folder.resolve()), "--seed", str(asked["seed"])]
        self.errands.begin(folder, words)
        return {"run": folder.name}

    # -- rooms ----------------------------------------------------------------------------------------------------

    def _open(self, folders: list[Path]) -> str:
        title = " and ".join(folder.name for folder in folders)
        report = folders[0] / REPORT if len(folders) == 1 and is_report(folders[0] / REPORT) else None
        return self._opened(Room([*places(folders)], title, report))

    def _opened(self, room: Room) -> str:
        """The name of a new room. Of live worlds only the newest go on; the records of others can be resumed."""
        with self.lock:
            self._n += 1
            key = f"r{self._n}"
            self.rooms[key] = room
            live = [k for k, other in self.rooms.items() if any(isinstance(p, Live) for p in other.places)]
            for old in live[:-MOST_LIVE] if len(live) > MOST_LIVE else []:
                for place in self.rooms.pop(old).places:
                    if isinstance(place, Live):
                        place.stop()
        return key


def _brief(record: Record) -> dict[str, Any]:
    """A run for the list."""
    header = record.header
    out = {"name": record.folder.name, "experiment": header["experiment"], "seed": header["seed"]}
    watched = is_watched(record.folder.name, header["experiment"])
    cut = is_cut_short(record) and not watched  # of a world that was watched nothing is asked
    status = RunStatus.INTERRUPTED if cut else RunStatus.RUNNING if is_followed(record) else record.status
    out |= {"status": str(status), "tick": record.tick, "ticks": header["ticks"], "report": False}
    out |= {"replicates": record.replicates, "begun": header.get("begun", ""), "watched": watched, "cut": cut}
    with suppress(MesocosmError):
        found = {finding.name: finding for finding in findings_of(record)}
        if found:
            first = found.get(declaration_of(record).asks_first) or next(iter(found.values()))
            answer = declaration_of(record).answers.get(first.verdict, "") if first.declared else ""
            out |= {"verdict": first.verdict, "sentence": first.sentence, "answer": answer}
    return out | {"report": is_report(record.folder / REPORT)}


def _named(record: Record) -> dict[str, str]:
    """The title of a run's experiment, and the preset that it is but for its seed; nothing where it is none."""
    with suppress(MesocosmError, TypeError, ValueError):  # a preset of somebody's own may be anything
        declared, own = declaration_of(record), configuration_of(record)
        for preset, changes in {"default": {}, **declared.presets}.items():
            if replace(from_dict(declared.configuration, dict(changes)), seed=own.seed) == own:
                return {"title": declared.title, "preset": preset}
        return {"title": declared.title, "preset": ""}
    return {}


def _stamp(path: Path) -> tuple[int, int]:
    try:
        found = path.stat()
    except OSError:
        return 0, 0
    return found.st_mtime_ns, found.st_size


def _when(path: Path) -> int:
    return _stamp(path / HEADER)[0]
