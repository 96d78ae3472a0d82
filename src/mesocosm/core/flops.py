"""What a program costs: floating-point operations counted on its jaxpr, with the lengths of scans.

XLA's own count takes the body of a loop once. Here a product of [m, k] by [k, n] is 2 m k n, an elementwise operation
or a reduction one for each number that goes in, moving data nothing. A `while` loop has no length that could be known
before it runs: a program that holds one has no count.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import cache
from typing import Any

import jax
import jax.numpy as jnp
from jax.extend import core

_FREE = frozenset(
    {
        "broadcast_in_dim",
        "reshape",
        "transpose",
        "squeeze",
        "slice",
        "dynamic_slice",
        "dynamic_update_slice",
        "gather",
        "concatenate",
        "pad",
        "rev",
        "copy",
        "convert_element_type",
        "stop_gradient",
        "iota",
        "split",
        "select_n",
        "bitcast_convert_type",
    }
)


class Uncounted(ValueError):
    """The program holds a loop whose length is not known before it runs."""


def flops(function: Callable[..., Any], *arguments: Any) -> float:
    """Floating-point operations of one call.

    Args:
      function: what jax can trace.
      arguments: arrays, or their shapes and types (`jax.ShapeDtypeStruct`).

    Raises:
      Uncounted: if it holds a `while` loop.

    >>> import jax.numpy as jnp
    >>> flops(lambda a, b: a @ b, jnp.ones((2, 3)), jnp.ones((3, 5)))
    60.0
    """
    return _count(jax.make_jaxpr(function)(*arguments).jaxpr)


def _count(jaxpr: core.Jaxpr) -> float:
    return sum(_equation(equation) for equation in jaxpr.eqns)


def _equation(equation: Any) -> float:
    name, parameters = equation.primitive.name, equation.params
    if name == "dot_general":
        (contracted, _), _ = parameters["dimension_numbers"]
        left = equation.invars[0].aval.shape
        return 2.0 * math.prod(equation.outvars[0].aval.shape) * math.prod(left[d] for d in contracted)
    if name == "scan":
        return parameters["length"] * _count(parameters["jaxpr"].jaxpr)
    if name == "while":
        raise Uncounted("a while loop: its length is not known before it runs")
    if name == "cond":
        return max(_count(branch.jaxpr) for branch in parameters["branches"])
    inner = [v for v in parameters.values() if isinstance(v, core.Jaxpr | core.ClosedJaxpr)]
    if inner:
        return sum(_count(j.jaxpr if isinstance(j, core.ClosedJaxpr) else j) for j in inner)
    if name in _FREE or not _is_float(equation):
        return 0.0
    return float(max(math.prod(v.aval.shape) for v in [*equation.invars, *equation.outvars]))


def _is_float(equation: Any) -> bool:
    return any(jnp.issubdtype(v.aval.dtype, jnp.floating) for v in equation.invars if hasattr(v.aval, "dtype"))


@cache
def _compiling() -> list[float]:
    """Seconds that this process has compiled since this was first asked, as jax tells them."""
    total = [0.0]

    def hear(event: str, duration_secs: float, **kwargs: str | int) -> None:
        if event == "/jax/core/compile/backend_compile_duration":
            total[0] += duration_secs

    jax.monitoring.register_event_duration_secs_listener(hear)
    return total


def compile_seconds() -> float:
    """Seconds of compiling in this process since the first call of this function; tracing is not among them."""
    return _compiling()[0]


def device_peak() -> dict[str, float]:
    """`device_bytes`, the most held on the devices since the process began; nothing where the device does not tell."""
    told = [device.memory_stats() or {} for device in jax.local_devices()]
    peaks = [stats["peak_bytes_in_use"] for stats in told if "peak_bytes_in_use" in stats]
    return {"device_bytes": float(sum(peaks))} if peaks else {}
