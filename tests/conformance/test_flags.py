"""Worlds and learning rules have the same bits whatever a user has set for jax in the same process."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import numpy as np

from mesocosm import rules
from tests.conformance.cases import case

FLAGS = {
    "JAX_ENABLE_X64": "1",
    "JAX_DEBUG_NANS": "1",
    "JAX_DEBUG_INFS": "1",
    "JAX_DEFAULT_MATMUL_PRECISION": "bfloat16",
    "JAX_DEFAULT_PRNG_IMPL": "rbg",
    "JAX_THREEFRY_PARTITIONABLE": "0",
    "JAX_NUMPY_RANK_PROMOTION": "raise",
}
TITLES = ("bilinear", "lorenz", "digits")


def found(folder: Path) -> list[str]:
    """Digests of an exact experiment, of two in floating point, and what a rule answers."""
    out = [case(title).run(folder / title).digest() for title in TITLES]
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(20, 6)), np.arange(20) % 3
    answers = rules.load("class-mean").learn(x, y).logits(x)
    return [*out, f"{answers.dtype} {np.round(answers, 4).sum():.3f}"]


def test_a_users_settings_of_jax_change_no_bit(tmp_path):
    """All of them at once, in one child; in this process there are none."""
    code = "import sys; from pathlib import Path; from tests.conformance.test_flags import found"
    words = [sys.executable, "-c", f"{code}; print('\\n'.join(found(Path(sys.argv[1]))))", str(tmp_path / "child")]
    child = subprocess.run(words, env={**os.environ, **FLAGS}, capture_output=True, text=True)
    assert child.returncode == 0, child.stderr[-2000:]
    assert child.stdout.split("\n")[:-1] == found(tmp_path / "here")
