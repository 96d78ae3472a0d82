"""The page of `teaching`. NumPy, no jax."""

from __future__ import annotations

from mesocosm.protocol.blocks import Gardens, OverTime, Section, Told, at_the_end

WORDS = {"chosen": "chosen by teachers", "asked": "asked by pupils", "five": "five teachers", "soft": "soft labels"}


def over_generations(told: Told) -> Section | None:
    """Who is right how often: a figure a rule, and one of gradient descent."""
    names = tuple(measure.name for measure in told.measures if measure.name.startswith("right"))
    return OverTime(names, "What is left, generation after generation")(told)


BLOCKS = (
    over_generations,
    Gardens(("right-0", "right-gradient", "right-again"), WORDS, "Ways to teach", over="last"),
    OverTime(("kinds", "kinds-gradient", "kinds-again"), "Classes that are named, in effect"),
    OverTime(("same",), "As the first one would have said"),
    at_the_end,
)
