"""What every test stands on: devices, strictness, shape checks.

Environment variables are set here, before anything imports jax, so that child processes inherit them.
"""

import gc
import importlib.util
import os
import sys
import time
import zlib

import numpy as np
import pytest
from hypothesis import settings
from jaxtyping import install_import_hook

# Two virtual devices, so that every test of sharding means something on any machine. The programs of tests run for a
# moment: they are compiled with little optimisation, which takes half the time. That a user's programs have the same
# bits is a test (conformance/test_flags.py); MESOCOSM_TESTS_AS_USERS=1 compiles everything as users do.
_FLAGS = {"--xla_force_host_platform_device_count": "2"}
if not os.environ.get("MESOCOSM_TESTS_AS_USERS"):
    _FLAGS |= {
        "--xla_backend_optimization_level": "0",
        "--xla_llvm_disable_expensive_passes": "true",
        "--xla_cpu_use_fusion_emitters": "false",
        "--xla_cpu_parallel_codegen_split_count": "1",  # the cores have tests to run
    }
_given = os.environ.get("XLA_FLAGS", "").split()
_named = {flag.partition("=")[0] for flag in _given}
os.environ["XLA_FLAGS"] = " ".join([*_given, *(f"{k}={v}" for k, v in _FLAGS.items() if k not in _named)])

# Shapes and types in the annotations of every room that computes with jax are checked at every call; must precede
# their first import. Configurations are left out: they have checks of their own, which are tested.
CHECKED = ["core", "worlds.petri.law", "worlds.petri.fields", "worlds.petri.state", "minds.table", "heredity.genomes"]
CHECKED += ["heredity.strands", "worlds.petri.demes", "minds.mind", "ecology.state", "layers.hearing.hearing"]
CHECKED += ["layers.calls.calls", "minds.pupil.net"]
CHECKED += ["instruments.ecology", "ecology.ecology"]
CHECKED += ["rules.net", "rules.neurons", "rules.synapses", "rules.wiring", "rules.gradient"]
CHECKED += ["tasks.streams", "tasks.procedural"]
CHECKED += ["evolution.searcher", "evolution.cma", "evolution.genetic", "evolution.gradient"]
CHECKED += ["games.game", "games.learner", "games.populations", "games.adversaries"]
CHECKED += ["rivals.school", "rivals.baselines", "rivals.features"]
CHECKED += [
    f"experiments.{name}.system"
    for name in (
        "chemotaxis",
        "signalling",
        "calling",
        "school",
        "bilinear",
        "lorenz",
        "digits",
        "digits_shown",
        "game",
        "gan",
        "latent_rule",
        "teaching",
        "market",
    )
]
install_import_hook([f"mesocosm.{room}" for room in CHECKED], "beartype.beartype")

# The first call of a compiled function takes seconds: no deadline. In CI the same examples every time.
settings.register_profile("mesocosm", deadline=None, derandomize="CI" in os.environ)
settings.load_profile("mesocosm")


def pytest_configure(config: pytest.Config) -> None:
    """Keep compiled programs between sessions and test processes; make jax strict."""
    cache = getattr(config, "cache", None)  # absent under `-p no:cacheprovider`
    if cache is not None:
        os.environ.setdefault("JAX_COMPILATION_CACHE_DIR", str(cache.mkdir("xla")))
        os.environ.setdefault("JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS", "0.2")

    if importlib.util.find_spec("jax") is None:
        return
    import jax

    jax.config.update("jax_numpy_rank_promotion", "raise")
    jax.config.update("jax_numpy_dtype_promotion", "strict")
    # A fifth of compiling is to translate every program to Shardy and back, which does nothing to one whose replicates
    # are shared out by hand (`shard_map`). Child processes have it, as users do.
    if not os.environ.get("MESOCOSM_TESTS_AS_USERS") and hasattr(jax.config, "jax_use_shardy_partitioner"):
        jax.config.update("jax_use_shardy_partitioner", False)


def pytest_itemcollected(item: pytest.Item) -> None:
    """Tests that share a fixture of their file run in one process, so that what it makes is made once."""
    made = item._fixtureinfo.name2fixturedefs.values() if isinstance(item, pytest.Function) else ()
    if any(one[-1].scope == "module" for one in made) and item.get_closest_marker("xdist_group") is None:
        item.add_marker(pytest.mark.xdist_group(item.path.name))


def pytest_collection_finish(session: pytest.Session) -> None:
    """Where groups are asked for they must be there: pytest-xdist hangs them onto names, which a pytest may forget."""
    marked = next((item for item in session.items if item.get_closest_marker("xdist_group")), None)
    if session.config.getoption("loadgroup", False) and marked is not None and "@" not in marked.nodeid:
        raise pytest.UsageError("tests are not kept together in their groups; take the versions in constraints.txt")
    gc.freeze()  # what is there now stays; and traces are many small objects, seldom garbage: look for it seldom
    gc.set_threshold(100_000, 50, 50)


@pytest.fixture(autouse=True)
def parts_are_whose_they_were():
    """What a test loads from a folder of its own, under a name that was taken, goes with that folder."""
    known = dict(_known_parts())
    yield
    _known_parts().update(known)


def _known_parts() -> dict:
    component = sys.modules.get("mesocosm.studies.component")
    return component._KNOWN if component else {}


@pytest.fixture(autouse=True)
def _draws_of_its_own(request: pytest.FixtureRequest):
    """A module's `RNG` begins anew in every test: draws do not depend on what ran in this process before."""
    if hasattr(request.module, "RNG"):
        seed = zlib.crc32(request.node.name.encode())
        request.module.RNG.bit_generator.state = np.random.default_rng(seed).bit_generator.state


_LOOKED = [0.0]


@pytest.fixture(autouse=True)
def _room_for_programs():
    """Between tests, not within one: some count what is compiled. To look takes a while, and so does compiling."""
    if "jax" in sys.modules and time.process_time() > _LOOKED[0] + 2:
        from mesocosm.core.programs import make_room

        make_room(share=0.35)
        _LOOKED[0] = time.process_time()
