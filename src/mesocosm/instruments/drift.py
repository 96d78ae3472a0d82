"""What chance alone does to genes that nobody selects: exact expectations to hold measures against. N haploid bodies.

Wright-Fisher: every generation anew, each child of a random parent (S. Wright, Genetics 16, 1931). Moran: one step is
one birth, by a random body, and one death, of a random body; N steps are a generation (P. A. P. Moran, Proc. Camb.
Phil. Soc. 54, 1958). Coalescence: J. F. C. Kingman, Stoch. Proc. Appl. 13, 1982.
"""

from __future__ import annotations

import math


def moran_fixation(n: int, fitness: float = 1.0, copies: int = 1) -> float:
    """Probability that a mutant of this relative fitness takes over a Moran population of n.

    `(1 - r^-copies) / (1 - r^-n)`, with the limit `copies / n` for a neutral one.

    >>> moran_fixation(10), round(moran_fixation(100, 1.1), 4)
    (0.1, 0.0909)
    """
    if n < 1 or not 0 <= copies <= n or not (fitness > 0 and math.isfinite(fitness)):
        raise ValueError(f"n = {n}, copies = {copies}, fitness = {fitness}: must be 1 or more, 0 ... n, above 0")
    x = math.log(fitness)
    if abs(x) * n < 1e-12:
        return copies / n
    if x < 0:  # the same, divided by the larger power: nothing overflows
        return math.exp(x * (n - copies)) * math.expm1(copies * x) / math.expm1(n * x)
    return math.expm1(-copies * x) / math.expm1(-n * x)


def heterozygosity(n: int, generations: float, begun: float = 1.0) -> float:
    """Expected heterozygosity after generations of Wright-Fisher without mutation: `begun (1 - 1/n)^generations`."""
    return begun * (1 - 1 / n) ** generations


def moran_heterozygosity(n: int, steps: float, begun: float = 1.0) -> float:
    """The same after steps of Moran: `begun (1 - 2/n^2)^steps`, where who dies may be the parent, but not the child."""
    return begun * (1 - 2 / n**2) ** steps


def pair_coalescence(n: int) -> float:
    """Expected generations since two bodies had their last common ancestor, Wright-Fisher: n."""
    return float(n)


def moran_pair_coalescence(n: int) -> float:
    """Expected steps of Moran since two bodies had their last common ancestor: `n^2 / 2`, hence n / 2 generations."""
    return n**2 / 2
