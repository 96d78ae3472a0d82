"""From a record of `dilemma` to its page. NumPy, no jax."""

from __future__ import annotations

from mesocosm.experiments.mirror.results import replay
from mesocosm.protocol.blocks import Gardens, OverTime, at_the_end

WORDS = {
    "": "mixed",
    "uniform": "minds alone",
    "fed": "minds alone, fed",
    "fed_mixed": "mixed, fed",
    "everyone": "mixed, one memory of all",
    "told": "mixed, told who it is",
}

BLOCKS = (
    Gardens(
        ("cooperation", "foresight", "echo"),
        WORDS,
        "Who cooperates",
        "A dot is a world, a thin line joins the same one; the second half of each run. The run itself is the mixed "
        "pool, whose partners are not told.",
        over="late",
    ),
    OverTime(
        ("cooperation",), "The mixed pool over time, beside minds alone", beside="uniform", beside_called="minds alone"
    ),
    OverTime(("foresight", "echo", "order", "won"), "Genes and pay in the mixed pool"),
    at_the_end,
)

__all__ = ["BLOCKS", "replay"]
