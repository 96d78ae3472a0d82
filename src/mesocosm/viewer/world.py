"""One recorded world and its individuals: its frames, and what its logs say of each who ever lived there."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from mesocosm.instruments.ancestry import Lives
from mesocosm.instruments.recorded import BODIES, lives_of, recording_of
from mesocosm.layers.elements.entries import Entries, entries
from mesocosm.player.encoder.encoder import Planes
from mesocosm.player.encoder.genes import in_words, told
from mesocosm.player.encoder.recording import Recording
from mesocosm.record import FolderError, Record


@dataclass(frozen=True)
class World:
    """One replicate of a run as it was when it was opened.

    Args:
      replicate: whose frames.
    """

    record: Record
    replicate: int
    title: str

    def read(self) -> World:
        """Itself, with everything read that may fail."""
        self.recording.read()
        return self

    @cached_property
    def recording(self) -> Recording:
        return recording_of(self.record, self.replicate, self.title, self.lives)

    @cached_property
    def lives(self) -> Lives | None:
        """Who descends from whom; None where births and deaths were not recorded."""
        return lives_of(self.record, self.replicate)

    @cached_property
    def entries(self) -> Entries | None:
        """Which elements came into whom; None where there are none."""
        return entries(self.record, self.replicate)

    @property
    def status(self) -> str:
        """Of the run, when it was read."""
        return self.recording.status

    def meta(self) -> dict[str, Any]:
        """What does not change from frame to frame; the page reads it as a source's `meta()`."""
        return self.recording.meta()

    def frame(self, t: int, want: list[str] | None = None) -> tuple[dict[str, Any], Planes]:
        """Header and planes of frame t (the last one where there are fewer), with the columns that are wanted (all)."""
        return self.recording.frame(t, want)

    def individual(self, id: int, t: int | None = None) -> dict[str, Any]:
        """All that is known of one individual: descent, genome in readable form, energy over its life.

        Raises:
          FolderError: if nobody of this id ever lived here.
        """
        populations = self.recording.encoder.populations
        bodies = (
            self.recording.points(populations[0].about.name)
            if populations
            else {"tick": np.zeros(0), "id": np.zeros(0)}
        )
        mine = np.flatnonzero(bodies["id"] == id)
        out: dict[str, Any] = {"id": id, "ticks": bodies["tick"][mine].tolist()}
        if "energy" in bodies:
            out["energy"] = bodies["energy"][mine].tolist()
        who = self.lives
        at = -1 if who is None else int(np.searchsorted(who.id, id))
        if who is None or at >= who.id.size or who.id[at] != id:
            if not mine.size:
                raise FolderError(f"nobody of the id {id} lived in this world")
            return out
        died = int(who.died[at])
        out |= {"born": int(who.born[at]), "died": died if died < 2**62 else None}
        out |= {"parent": int(who.parent[at]), "founder": int(who.founder[at])}
        out["children"] = who.id[who.parent == id].tolist()
        out["relatives"] = who.id[who.founder == who.founder[at]].tolist()
        out["n_relatives"] = len(out["relatives"])
        for genome in self.recording.about.genomes:
            if genome.population == BODIES and genome.column == "genome" and who.genome.size:
                out["genome"] = told(genome, who.genome[at, 0])
            elif genome.carrier and self.entries is not None:
                known, rows = self.entries, np.flatnonzero(self.entries.id == id)
                out["carries"] = [
                    [int(known.tick[k]), in_words(genome, int(known.strain[k]), known.genes[k, 0])] for k in rows
                ]
        return out
