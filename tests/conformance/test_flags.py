"""Worlds and learning rules have the same bits whatever a user has set for jax in the same process."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import jax
import numpy as np
import pytest

from mesocosm import rules
from mesocosm.cli import devices
from mesocosm.core import chunk, resume
from mesocosm.record import load
from tests.compiling import as_users, compile_with
from tests.conformance.cases import EXACT, GOLDEN, SUBJECTS, case, worlds
from tests.conformance.golden import assert_golden

FLAGS = {
    "JAX_ENABLE_X64": "1",
    "JAX_DEBUG_NANS": "1",
    "JAX_DEBUG_INFS": "1",
    "JAX_DEFAULT_MATMUL_PRECISION": "bfloat16",
    "JAX_DEFAULT_PRNG_IMPL": "rbg",
    "JAX_THREEFRY_PARTITIONABLE": "0",
    "JAX_NUMPY_RANK_PROMOTION": "raise",
}
ROOT = Path(__file__).parents[2]
TITLES = ("bilinear", "lorenz", "digits")
LAWS = [title for title in EXACT if not SUBJECTS[title].entry.declaration.trial.law_of]
"""A law that is that of another experiment under other parameters is asked there."""


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


@pytest.mark.parametrize("title", [pytest.param(t, marks=pytest.mark.xdist_group(t)) for t in LAWS])
def test_programs_compiled_as_users_do_have_the_golden_digests(title, monkeypatch, tmp_path):
    """The suite compiles with little optimisation (conftest.py), in which `test_golden_digests` holds the same."""
    with as_users(monkeypatch):
        assert_golden(title, tmp_path)


@pytest.mark.parametrize("name", ["found", "run_chunk", "grown"])
def test_options_of_compiling_arrive(name, monkeypatch, tmp_path):
    """Each program gets them alone: one that XLA does not know is refused where it is compiled."""
    others = {other: getattr(chunk, other) for other in ("found", "run_chunk", "grown") if other != name}
    compile_with(monkeypatch, xla_that_nobody_knows=True)
    for other, plain in others.items():
        monkeypatch.setattr(chunk, other, plain)
    small = case("bilinear", ticks=20)
    with pytest.raises(jax.errors.JaxRuntimeError, match="xla_that_nobody_knows"):
        if name == "grown":
            chunk.grown(small.setup.experiment, np.zeros(1))
        small.run(tmp_path / "run")


def test_a_users_own_process_has_the_golden_digests(tmp_path):
    """Without the flags of conftest.py, where `as_users` says what they are for all titles."""
    titles = ("bilinear", "arrow-of-time", "calling")  # bodies too: an ecology, the one that is compiled soonest
    environment = {"XLA_FLAGS": "--xla_force_host_platform_device_count=2", "JAX_COMPILATION_CACHE_DIR": str(tmp_path)}
    words = [sys.executable, "-m", "tests.conformance.golden", "--print", *titles]
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("JAX_")}
    child = subprocess.run(words, env={**inherited, **environment}, cwd=ROOT, capture_output=True, text=True)
    assert child.returncode == 0, child.stderr[-2000:]
    golden = json.loads(GOLDEN.read_text())
    assert json.loads(child.stdout) == {title: golden[title] for title in titles}


def test_in_floating_point_a_replicate_has_the_same_bits_whoever_is_beside_it(tmp_path):
    few, many = case("digits", replicates=2), case("digits", replicates=5)
    a, b = (worlds(c.setup, c.run(tmp_path / str(c.plan.replicates))) for c in (few, many))
    assert {replicate: b[replicate] for replicate in a} == a and len(set(b.values())) == 5


def test_one_core_has_two_devices_and_none_of_a_users_settings(monkeypatch, tmp_path):
    monkeypatch.setenv("XLA_FLAGS", "")
    monkeypatch.setenv("JAX_COMPILATION_CACHE_DIR", str(tmp_path))
    for name, value in FLAGS.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(devices, "cores", lambda: 1)
    devices.prepare_devices()
    assert "device_count=2" in os.environ["XLA_FLAGS"] and not FLAGS.keys() & os.environ.keys()


def test_floats_that_go_on_on_several_devices_after_one_are_warned_of(tmp_path):
    began = case("lorenz")
    began.run(tmp_path / "run", devices=jax.devices()[:1])
    assert load(tmp_path / "run").header["devices"] == 1
    with pytest.warns(UserWarning, match="began on 1 devices and goes on on 2"):
        resume(began.setup, replace(began.plan, ticks=2 * began.plan.ticks), tmp_path / "run")
