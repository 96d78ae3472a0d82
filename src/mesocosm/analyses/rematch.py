"""Is a player better than its past, or only different? All times meet each other (docs/how-to/progress.md).

Snapshot i is all players of one time. It scores against snapshot j what its players earn when each takes the place of
its namesake among those of time j, less what those of time j earn among its own, in the mean over players. Where they
are an artist and a critic: `V(artist j, critic i) - V(artist i, critic j)`, V being what the critic earns. A pair can
get better by its critic alone, so each player is looked at by itself, too.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any

import numpy as np

from mesocosm.findings.claim import Claim, Finding
from mesocosm.findings.tournament import HALVES, Tournament, from_pairs
from mesocosm.findings.verdicts import judge
from mesocosm.protocol.blocks import who_beats_whom
from mesocosm.protocol.catalogue import Analysis, Result, arrays, log
from mesocosm.record import FolderError, Record
from mesocosm.record.configuration import Range


def living(record: Record) -> str:
    """That somebody lives at its end: only whoever does has players of all times."""
    return "" if record.state["replicate"].size else "has nobody who lives at its end"


@dataclass(frozen=True)
class Settings:
    """Who meets."""

    snapshots: Annotated[int, Range(2, 64, "snapshots")] = 12
    """How many of the kept players, evenly spaced; the last is among them."""


def compute(record: Record, settings: Settings) -> dict[str, Any]:
    ticks, names, earned = meetings(record, settings.snapshots)
    found = tournament_of(ticks, earned)
    alone = players_alone(ticks, names, earned, record)
    values = found.to_dict()
    return values | {"findings": [*values["findings"], *(finding.to_dict() for finding in alone)], "players": names}


def meetings(record: Record, snapshots: int = 12) -> tuple[np.ndarray, list[str], np.ndarray]:
    """What everybody earns among the players of every time.

    Returns:
      The ticks after which players were kept [n], what players are called, and what player k of time i earns among the
      others of time j [halves, replicates, n, n, players]; NaN of replicates that ended. Halves are two independent
      draws, where a game has any.

    Raises:
      FolderError: if fewer than two times were kept, or the game does not say what players earn.
    """
    import jax
    import jax.numpy as jnp

    from mesocosm.core.flags import pinned
    from mesocosm.instruments.revived import revived

    kept = record.log("players")
    ticks = _times(record, kept["tick"], snapshots)
    with pinned():
        run = revived(record)
        field: Any = run.experiment.field  # type: ignore[attr-defined]  # a law that keeps players has one
        played = field(run.bits(0))
        _check_earns(record, played)
        names = list(played.names)

        @jax.jit
        def all_pairs(bits: Any, z: Any) -> Any:
            game = field(bits)
            return jax.lax.map(lambda a: jax.vmap(lambda b: game.earned(a, b))(z), z)

        earned: np.ndarray | None = None
        for k, r in enumerate(run.replicates):
            z = jnp.asarray(kept["z"][(kept["replicate"] == r) & np.isin(kept["tick"], ticks)])
            both = np.stack([np.asarray(all_pairs(run.bits(k, half), z), float) for half in range(HALVES)])
            if earned is None:
                earned = np.full((HALVES, record.replicates, *both.shape[1:]), np.nan)
            earned[:, r] = both
    assert earned is not None
    return ticks + 1, names[: earned.shape[-1]], earned


def _times(record: Record, kept: np.ndarray, snapshots: int) -> np.ndarray:
    """So many ticks of those after which players were kept, evenly spaced. [n]"""
    ticks = np.unique(kept)
    if len(ticks) < 2:
        raise FolderError(f"{record.folder}: kept players of {len(ticks)} times; rematch needs 2: lower keep_every")
    return ticks[np.unique(np.linspace(0, len(ticks) - 1, snapshots).round().astype(int))]


def _check_earns(record: Record, played: Any) -> None:
    """Refuse a game of velocities alone, in which nobody earns anything."""
    from mesocosm.games.game import Game

    if type(played).earned is Game.earned:
        raise FolderError(
            f"{record.folder}: its game ({type(played).__name__}) does not say what players earn, which rematch "
            "compares: give it `earned`, or take a game with losses or payoffs"
        )


def tournament_of(ticks: np.ndarray, earned: np.ndarray) -> Tournament:
    """All players of one time against all of another: what these earn among those, less what those do among these, in
    the mean over players."""
    i, j = np.triu_indices(len(ticks), 1)
    whole = earned.mean(axis=-1)
    won = np.moveaxis(whole[:, :, i, j] - whole[:, :, j, i], 1, 2)
    return from_pairs(ticks / 1000, won, -won, time_unit="1000 ticks", score_unit="earned per match")


def players_alone(ticks: np.ndarray, names: list[str], earned: np.ndarray, record: Record) -> list[Finding]:
    """Is a later player of this name better than an earlier one? The slope, over the time when it was kept, of what it
    earns in the mean among the others of all times."""
    time = ticks / 1000 - ticks.mean() / 1000
    slopes = np.einsum("i,rik->rk", time, earned.mean(axis=(0, 3))) / (time @ time)
    claims = [
        Claim(
            f"{name}-alone",
            f"later {name}s earn more among all that ever were",
            "no difference",
            "slope over time of what one earns in the mean among the players of all times",
            0.0,
            unit="per 1000 ticks",
            declared=False,
        )
        for name in names
    ]
    values = {claim.name: slopes[:, k] for k, claim in enumerate(claims)}
    return judge(claims, values, record.replicates, seed=int(record.header["seed"]))


def show(record: Record, values: Mapping[str, Any]) -> Result:
    findings = tuple(map(Finding.from_dict, values["findings"]))
    said = {"supported": "better than its past", "refuted": "worse than its past"}
    alone = [f for f in findings if f.name.endswith("-alone")]
    players = "; ".join(
        f"the {f.name[:-6]} is {said.get(f.verdict, 'not seen to be better, only different')}" for f in alone
    )
    sentence = f"{values['sentence']} Alone, {players}."
    alt = f"What the players of each time (row) earn against those of each other time (column). {sentence}"
    figure = who_beats_whom(values, alt, row="players", column="opponents")
    return Result(sentence, values, findings, (figure,))


ANALYSIS = Analysis(
    "rematch", "whether players are better than their past, or only different", compute, show, Settings,
    needs=(log("players", "keep_every"), arrays("state.z"), living),
)  # fmt: skip
