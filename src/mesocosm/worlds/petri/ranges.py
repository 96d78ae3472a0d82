"""What the numbers of a state keep to (docs/worlds/petri.md, sections 3 and 6), by the path of their leaf."""

from __future__ import annotations

from mesocosm.worlds.petri.fields import FOOD, FULLEST, ODOUR, SIGNAL
from mesocosm.worlds.petri.law import Petri

_LAST = 2**31 - 1


def ranges_of(law: Petri) -> dict[str, tuple[int, int]]:
    """The least and the most; of what numbers layers may add to, only their least. Fields of layers are their own."""
    place, heading = (0, law.extent - 1), (0, 63)
    ranges = {"next_id": (1, _LAST)}
    ranges |= {f"fields.{field.name}": (0, FULLEST) for field in law.fields if field in (FOOD, ODOUR, SIGNAL)}
    ranges |= {"sources.x": place, "sources.y": place, "sources.heading": heading}
    bodies = {"x": place, "y": place, "heading": heading, "touched": (0, 1), "last_odour": (0, FULLEST)}
    bodies |= {"born": (-1, _LAST), **dict.fromkeys(("id", "energy", "lineage", "parent"), (0, _LAST))}
    if law.migration is not None:
        bodies["deme"] = (0, law.demes - 1)
    return ranges | {f"bodies.{name}": ends for name, ends in bodies.items()}
