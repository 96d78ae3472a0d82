"""How fast neighbouring courses of a law part: the spectrum of Lyapunov exponents, and whether a course is chaotic.

The spectrum is found by carrying small differences along with the linearised step and making them orthogonal again by
QR (G. Benettin, L. Galgani, A. Giorgilli and J.-M. Strelcyn 1980). Known exactly: ln 2 for the logistic map, .962424
for the cat map, the sums ln .3 for Henon's map and -13.6667 for Lorenz's flow.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax
from jaxtyping import Array, Float

SURE = 5.0
"""What a difference must grow by in the second half, as a logarithm, beyond all it reached in the first. Shear makes it
grow in proportion to time, so by ln 2 in the second half: to come to this it would have to be the seventh power."""
LARGER = 1.5
"""Times the extent in the first half: what goes further still is running away, and is not called chaotic."""

Step = Callable[[Array, Any, Array], Array]
"""From numbers [n], what does not move, and the number of the step to the next numbers."""


@partial(jax.jit, static_argnames=("step", "windows", "steps", "exponents"))
def courses(
    step: Step, start: Float[Array, " n"], beside: Any, windows: int, steps: int, exponents: int
) -> tuple[Float[Array, "windows n"], Float[Array, "windows k"]]:
    """Go on from `start`, with a frame of small differences.

    Args:
      step: the law, a pure function.
      beside: handed to it as it is.
      windows, steps: so many windows of so many steps.
      exponents: how many differences are carried, at most as many as there are numbers.

    Returns:
      Where the course is at the end of each window, and what each direction of the frame grew by in it, as a logarithm.
    """
    n = start.shape[0]
    frame = jnp.linalg.qr(jax.random.normal(jax.random.key(0), (n, exponents), start.dtype))[0]

    def one(carry: Any, t: Array) -> Any:
        x, frame, grown = carry
        push = partial(jax.jvp, lambda at: step(at, beside, t), (x,))
        moved = jax.vmap(lambda d: push((d,))[1], in_axes=1, out_axes=1)(frame)
        frame, sizes = _orthogonal(moved)
        return (step(x, beside, t), frame, grown + jnp.log(jnp.maximum(sizes, jnp.finfo(sizes.dtype).tiny))), None

    def window(carry: Any, first: Array) -> Any:
        x, frame = carry
        (x, frame, grown), _ = lax.scan(
            one, (x, frame, jnp.zeros(exponents, start.dtype)), first + jnp.arange(steps, dtype=jnp.int32)
        )
        return (x, frame), (x, grown)

    begins = jnp.arange(windows, dtype=jnp.int32) * steps
    return lax.scan(window, (start, frame), begins)[1]


def _orthogonal(frame: Float[Array, "n k"]) -> tuple[Float[Array, "n k"], Float[Array, " k"]]:
    """The frame made orthogonal and of length 1 again, and what each direction had grown to."""
    if frame.shape[1] == 1:  # compiled in no time
        size = jnp.linalg.norm(frame)
        return frame / jnp.maximum(size, jnp.finfo(frame.dtype).tiny), size[None]
    frame, r = jnp.linalg.qr(frame)
    return frame, jnp.abs(jnp.diagonal(r))


def spectrum(grown: np.ndarray, time: float) -> np.ndarray:
    """Exponents from growth in windows [windows, k] over so much time, the largest first; the first half is left out,
    in which the frame finds its directions."""
    late = np.asarray(grown, float)[len(grown) // 2 :]
    return np.sort(late.sum(axis=0) / (time * len(late) / len(grown)))[::-1]


def is_chaotic(places: np.ndarray, grown: np.ndarray) -> bool:
    """Whether a course is chaotic: it stays where it is, comes back to no place, and its neighbours leave it
    exponentially. False in every case of doubt.

    Args:
      places: [windows, n], where it was at the end of each window.
      grown: [windows], logarithm of what the most growing difference grew by in each.
    """
    places, total = np.asarray(places, float), np.cumsum(np.asarray(grown, float))
    half = len(places) // 2
    if half < 2 or not (np.isfinite(places).all() and np.isfinite(total).all()):
        return False
    middle = places[:half].mean(axis=0)
    extent = [np.abs(part - middle).max() for part in (places[:half], places[half:])]
    is_spread = np.ptp(places[half:], axis=0).max()
    is_still = is_spread <= 1e-6 * max(1.0, np.abs(places).max())
    is_leaving = extent[1] > LARGER * extent[0]
    returns = len(np.unique(places[half:], axis=0)) < len(places) - half
    if is_still or is_leaving or returns:
        return False
    return bool(total[-1] - max(0.0, total[:half].max()) > SURE)


__all__ = ["LARGER", "SURE", "Step", "courses", "is_chaotic", "spectrum"]
