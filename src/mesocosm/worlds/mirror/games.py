"""The games of `docs/worlds/mirror.md`, section 4, and the scripts of its section 5. NumPy, no jax."""

from __future__ import annotations

import numpy as np

GAMES: dict[str, tuple[tuple[tuple[int, int], tuple[int, int]], ...]] = {
    "pennies": (((1, -1), (-1, 1)), ((-1, 1), (1, -1))),
    "stag": (((4, 0), (3, 3)),) * 2,
    "dove": (((2, 0), (4, -1)),) * 2,
    "dilemma": (((3, 0), (5, 1)),) * 2,
}
"""What a body is paid, by its role (who stands on an even place, who on an odd one), its own act, and the other's."""

ACTS = {
    "pennies": ("heads", "tails"),
    "stag": ("stag", "hare"),
    "dove": ("dove", "hawk"),
    "dilemma": ("cooperate", "defect"),
}

SCRIPTS = ("nature", "allc", "alld", "tft", "gtft", "wsls", "grim", "cycle1", "cycle2", "cycle3", "cycle4", "cycle5")
"""Who may be a visitor. `cycleM` plays a de Bruijn cycle: each act is told by the M before it, by fewer nothing."""

CYCLES = SCRIPTS.index("cycle1")
LONGEST = 32


def payoffs(game: str, stake: int) -> np.ndarray:
    """What is paid, in quanta. int32 [role, own act, other's act]"""
    return np.array(GAMES[game], np.int32) * np.int32(stake)


def supply(game: str, stake: int) -> int:
    """Food that lies beside each body in each round: as much as it could win, but in a game that is worth nothing."""
    pays = payoffs(game, stake)
    is_closed = not (pays[0] + pays[1].T).any()  # what one wins the other loses
    return 0 if is_closed else int(pays.max())


def de_bruijn(order: int) -> np.ndarray:
    """A cycle of 2^order acts in which each word of so many acts occurs once: the greedy one (M. H. Martin, 1934).

    >>> de_bruijn(2).tolist(), de_bruijn(3).tolist()
    ([1, 1, 0, 0], [1, 1, 1, 0, 1, 0, 0, 0])
    """
    word = [0] * order
    seen, out = {tuple(word)}, []
    while True:
        for act in (1, 0):
            after = (*word[1:], act)
            if after not in seen:
                seen.add(after)
                out.append(act)
                word = list(after)
                break
        else:
            return np.array([*out, 0], np.int32)


def cycles() -> np.ndarray:
    """The acts of `cycle1` ... `cycle5`, each repeated to 32. int32 [5, 32]"""
    return np.stack([np.resize(de_bruijn(order), LONGEST) for order in range(1, 6)])
