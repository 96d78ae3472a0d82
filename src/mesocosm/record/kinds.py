"""What a value is, asked before anybody calculates with it. Nothing is imported that takes time."""

from __future__ import annotations

import sys
from typing import Any


def is_finite(value: Any) -> bool:
    """Whether a value is a number that a float can hold; true and false are none."""
    return isinstance(value, int | float) and not isinstance(value, bool) and abs(value) <= sys.float_info.max


def reads_as_number(text: str) -> bool:
    """Whether a text is a number to `float`.

    >>> reads_as_number("-1.5e3"), reads_as_number("=1+1")
    (True, False)
    """
    try:
        float(text)
    except ValueError:
        return False
    return True
