"""What `trend` is asked, predicts and compares with: the second declared experiment on bacteria that follow their food.

They sense only whether the odour has risen or fallen since the last tick, as *E. coli* does in effect (H. C. Berg and
D. A. Brown, "Chemotaxis in Escherichia coli analysed by three-dimensional tracking", Nature 239, 1972).
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from mesocosm.ecology.columns import COLUMNS
from mesocosm.experiments.chemotaxis.declaration import (
    CLAIMS,
    GARDEN,
    PRESETS,
    SMALL_WORLD,
    ChemotaxisConfiguration,
    asked_of,
)
from mesocosm.experiments.chemotaxis.declaration import DECLARATION as BY_LEVEL
from mesocosm.protocol.declaration import Trial
from mesocosm.worlds.petri.parameters import PetriParameters


@dataclass(frozen=True)
class TrendConfiguration(ChemotaxisConfiguration):
    """Bacteria that sense only whether the odour rises or falls."""

    world: PetriParameters = field(default_factory=lambda: PetriParameters(senses=("trend",)))


_CLAIMS = (
    replace(
        CLAIMS[0],
        sentence="the evolved tumble more when the odour falls than when it rises",
        statistic=f"P(tumble | falls) - P(tumble | rises), rows weighted by visits {GARDEN}, evolved less shadow",
    ),
    replace(CLAIMS[1], sentence="tumbling goes with a falling odour in at least 90 % of worlds"),
    *CLAIMS[2:],
)

DECLARATION = replace(
    BY_LEVEL,
    name="trend",
    title="Bacteria that remember one tick",
    question="Do bacteria that sense only whether an odour rises or falls evolve to follow a moving source of food?",
    prediction="P(tumble) is higher when the odour falls than when it rises, more so than in the shadow genome",
    configuration=TrendConfiguration,
    columns=COLUMNS,
    claims=_CLAIMS,
    under=asked_of("trend", _CLAIMS),
    presets=PRESETS,
    trial=Trial({"": {"world": SMALL_WORLD, "frames_every": 4}}, law_of="chemotaxis"),
)
