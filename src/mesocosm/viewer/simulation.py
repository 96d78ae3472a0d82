"""The process in which a watched world runs, `python -m mesocosm.viewer.simulation FD`. The first wish says what.

It hears wishes (JSON) and answers with what it is doing and, when a frame is wished for, the newest one. Nobody who
looks can make it wait: what is not taken is replaced by what is newer.
"""

from __future__ import annotations

import dataclasses
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mesocosm.core import Interrupted, Present, Turn
from mesocosm.player.encoder.encoder import Encoder
from mesocosm.player.encoder.snapshot import Snapshot, snapshot_of
from mesocosm.protocol.declaration import Declaration
from mesocosm.protocol.launch import begin, branch, proceed
from mesocosm.protocol.reading import after, configuration_of
from mesocosm.protocol.registry import declaration
from mesocosm.protocol.scenes import about_of
from mesocosm.record import ConfigurationError, FolderError, Intervention, MesocosmError, Record, load
from mesocosm.record.configuration import check, from_dict, from_toml
from mesocosm.viewer.cards import in_words
from mesocosm.viewer.line import Line, free_folder
from mesocosm.viewer.parameters import as_written, parameters

FRAME_SECONDS = 0.045
"""What a chunk takes while somebody looks."""
_LOOKS_FOR_SECONDS = 1.0
"""So long after a wish somebody counts as looking."""

Job = Callable[[], Record]


@dataclass
class Pilot:
    """Steers a run by what the pages wish."""

    line: Line
    replicate: int
    encoder: Encoder | None = None  # of the run that is shown
    before: Snapshot | None = None
    is_playing: bool = False
    ticks_per_second: float | None = 30.0
    steps: int = 1  # so that all is compiled when the first page says play
    wish: dict[str, Any] | None = None
    wished_at: float = 0.0
    shown: tuple[int, bool] | None = None  # tick of the newest frame that was sent, and whether with genomes
    next_at: float = 0.0
    first: int | None = None  # tick with which this run began, or went on
    leaves: Callable[[], Job | None] | None = None  # what follows once the run has stopped
    told: dict[str, Any] = dataclasses.field(default_factory=dict)

    def turn(self, present: Present) -> Turn | None:
        """One turn of the loop: hear, show, wait, go on."""
        now = present.progress
        is_over = now.tick >= now.ticks or now.living == 0
        while True:
            if self.leaves:
                return None
            self.show(present, unasked=is_over or self.shown is None)
            if is_over:
                self.tell(now, "ended")
                return Turn(now.tick)
            if self.steps > 0:
                self.steps -= 1
                self.tell(now, "playing")
                return Turn(now.tick + 1, FRAME_SECONDS)
            wait = 60.0
            if self.is_playing:
                wait = min(60.0, self.next_at - time.perf_counter()) if self.ticks_per_second else 0.0
                if wait <= 0:
                    self.tell(now, "playing")
                    return self.onward(now.tick, now.ticks)
            self.tell(now, "playing" if self.is_playing else "paused")
            self.line.wait(wait, self.hear)

    def onward(self, tick: int, ticks: int) -> Turn:
        self.line.wait(0, self.hear)
        is_watched = time.perf_counter() - self.wished_at < _LOOKS_FOR_SECONDS
        seconds = {"seconds": FRAME_SECONDS} if is_watched or self.ticks_per_second else {}
        if not self.ticks_per_second:
            return Turn(ticks, **seconds)
        n = max(1, round(self.ticks_per_second * FRAME_SECONDS))
        self.next_at = max(self.next_at, time.perf_counter() - FRAME_SECONDS) + n / self.ticks_per_second
        return Turn(min(ticks, tick + n), **seconds)

    def show(self, present: Present, unasked: bool) -> None:
        """Send the newest frame, if one is wished for that is not known yet; `unasked`: in any case."""
        self.line.wait(0, self.hear)
        if self.wish is None and not unasked:
            return
        seen = present.scene(self.replicate)
        if seen is None:
            return
        tick, scene = seen
        genomes = bool(self.wish and self.wish.get("genomes"))
        if self.shown is not None and self.shown >= (tick, genomes):
            return
        now = snapshot_of(scene, tick)
        if self.shown is None or self.encoder is None:
            about = about_of(load(self.session.folder))
            self.encoder = Encoder(about, now)
            self.line.put("shape", {**self.encoder.meta, "about": about.plain()})
        header, planes = self.encoder.frame(now, self.before, genomes)
        self.line.put("frame", {**header, "at": time.time()}, planes)
        self.wish, self.shown, self.before = None, (tick, genomes), now

    def tell(self, now: Any, status: str) -> None:
        """Say what the run is doing, if that is news."""
        self.first = now.tick if self.first is None else self.first
        if status == "playing" and now.tick == self.first:
            status = "starting"  # the first chunk may have to be compiled
        state = {"status": status, "tick": now.tick, "ticks": now.ticks, "living": now.living}
        state |= {"speed": self.ticks_per_second, "rate": round(now.ticks_per_second, 1)}
        if state != self.told:
            self.told = state
            self.line.put("state", state)

    def hear(self, message: dict[str, Any]) -> None:
        """Take in one wish."""
        match message["do"]:
            case "look":
                self.wish, self.wished_at = message, time.perf_counter()
            case "play":
                self.is_playing, self.next_at = True, 0.0
            case "pause":
                self.is_playing = False
            case "step":
                self.is_playing, self.steps = False, self.steps + 1
            case "speed":
                self.ticks_per_second, self.next_at = message["ticks_per_second"], 0.0
            case _:
                self.session.ask(message)

    session: Any = None


class Session:
    """One run after the other: the first, its branches, its repetitions."""

    def __init__(self, line: Line, first: dict[str, Any]) -> None:
        self.line, self.reference = line, first["name"]
        self.under = Path(first["under"])
        self.folder = Path(first["folder"])
        declared = declaration(self.reference)
        self.name = declared.name
        self.configuration = from_toml(declared.configuration, first["config"], "what was asked")
        self.asked = self.configuration  # without what was changed since
        self.shown = self.folder, self.configuration  # the newest run of which there was something to see
        self.replicate = int(first["replicate"])
        self.pilot = Pilot(line, self.replicate, session=self)
        self.snapshots: list[str] = []
        self.presets: dict[str, Any] = {}
        for name, changes in declared.presets.items():
            preset = self.as_preset(declared, changes)
            if preset not in self.presets.values():  # of those that differ in how many worlds there are, one will do
                self.presets[name] = preset
        self.sets = {name: in_words(declared.presets[name]) for name in self.presets}

    def as_preset(self, declared: Declaration, changes: Mapping[str, Any]) -> Any:
        """A preset, looked at as this world is: with its seed, and with as many replicates where that is permitted."""
        preset = from_dict(declared.configuration, dict(changes), declared.configuration())
        preset = dataclasses.replace(preset, seed=self.asked.seed, frames_every=self.asked.frames_every)
        try:
            check(alone := dataclasses.replace(preset, replicates=self.asked.replicates))
        except ConfigurationError:
            return preset
        return alone

    def run(self) -> None:
        """Until nobody is there any more."""
        job: Job | None = self.begin
        while job is not None:
            self.pilot.leaves, self.pilot.shown, self.pilot.first, self.pilot.before = None, None, None, None
            self.introduce()
            try:
                job()
                self.wait_at_the_end()
            except Interrupted:
                pass
            except MesocosmError as error:
                self.line.put("trouble", {"text": str(error)})
                if self.pilot.shown is None and self.folder != self.shown[0]:  # what was shown before goes on
                    self.folder, self.configuration = self.shown
                    job = self.go_on
                    continue
                self.wait_at_the_end()
            self.shown = self.folder, self.configuration
            job = self.following()

    def ask(self, message: dict[str, Any]) -> None:
        """Let the run stop for what follows it, unless that is not permitted: then it goes on as it did."""
        try:
            self.refuse(message)
        except MesocosmError as error:
            self.line.put("trouble", {"text": str(error)})
        else:
            self.pilot.leaves = lambda: self.job(message)

    def refuse(self, message: dict[str, Any]) -> None:
        """Raise ConfigurationError for what can be known not to be permitted before the run stops."""
        match message["do"]:
            case "change":
                field, value = message["field"], as_written(self.configuration, message)
                try:
                    after(
                        self.configuration, [*self.configuration.parsed_interventions(), Intervention(0, field, value)]
                    )
                except MesocosmError as error:  # a condition between fields need not name the one that was moved
                    told = str(error) if str(error).startswith(field) else f"{field} = {value}: {error}"
                    raise ConfigurationError(told) from None
            case "branch":
                if message["snapshot"] not in self.snapshots:
                    raise FolderError(f"snapshot {message['snapshot']}: there is none of this name")
            case "reset":
                check(dataclasses.replace(self.asked, seed=self.next_seed(message)))
            case "preset":
                if message["preset"] not in self.presets:
                    raise ConfigurationError(f"{message['preset'][:60]}: {self.name} has no such preset")
                check(self.presets[message["preset"]])

    def next_seed(self, message: dict[str, Any]) -> int:
        return self.configuration.seed + (message["seed"] == "new")

    def following(self) -> Job | None:
        """What comes next; what is not permitted is told, and the run goes on."""
        assert self.pilot.leaves is not None
        try:
            return self.pilot.leaves()
        except MesocosmError as error:
            self.line.put("trouble", {"text": str(error)})
            return self.go_on

    def wait_at_the_end(self) -> None:
        while not self.pilot.leaves:
            self.line.wait(60.0, self.pilot.hear)
            self.pilot.steps = 0

    def introduce(self) -> None:
        """Tell which run this is."""
        interventions = list(self.configuration.interventions)
        run = {"run": self.folder.name, "folder": str(self.folder), "seed": self.configuration.seed}
        scheduled = [[i.tick, i.field, i.value] for i in self.configuration.parsed_interventions()]
        run |= {"interventions": interventions, "scheduled": scheduled, "snapshots": self.snapshots}
        chosen = [name for name, preset in self.presets.items() if preset == self.asked]
        run |= {"presets": [{"name": n, "sets": sets} for n, sets in self.sets.items()], "preset": (*chosen, "")[0]}
        self.line.put("run", {**run, "parameters": parameters(self.configuration)})

    # -- what can follow ---------------------------------------------------------------------------------------------

    def begin(self) -> Record:
        return begin(self.reference, self.configuration, self.folder, steering=self.pilot)

    def go_on(self) -> Record:
        return proceed(self.folder, steering=self.pilot)

    def job(self, message: dict[str, Any]) -> Job | None:
        """What a wish that ends the run asks for. The run has written its checkpoint."""
        match message["do"]:
            case "change":
                record = load(self.folder)
                tick = max(record.tick, int(message.get("tick") or 0))
                change = Intervention(tick, message["field"], as_written(self.configuration, message))
                self.branched(self.folder, [change])
                return self.go_on
            case "snapshot":
                record = load(self.folder)
                name = f"{self.folder.name}-at-{record.tick}"
                if name not in self.snapshots:
                    branch(self.folder, free_folder(self.under / name))
                    self.snapshots.append(name)
                return self.go_on
            case "branch":
                self.branched(self.under / message["snapshot"], [])
                return self.go_on
            case "reset" | "preset":
                seed = self.configuration.seed
                if message["do"] == "preset":
                    self.asked = self.presets[message["preset"]]
                else:
                    seed = self.next_seed(message)
                self.configuration = dataclasses.replace(self.asked, seed=seed)
                self.folder = free_folder(self.under / f"{self.name}-{seed}-watched")
                return self.begin
        return None

    def branched(self, folder: Path, changes: list[Intervention]) -> None:
        tick = load(folder).tick
        into = free_folder(self.under / f"{self.name}-{self.configuration.seed}-from-{tick}")
        branch(folder, into, changes)
        self.folder, self.configuration = into, configuration_of(load(into))


def main() -> None:
    """Run what the first message asks for."""
    line = Line(int(sys.argv[1]))
    try:
        first = line.first()
        Session(line, first).run()
    except MesocosmError as error:
        line.put("trouble", {"text": str(error)})
    line.close()


if __name__ == "__main__":
    main()
