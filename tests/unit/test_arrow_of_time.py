"""The experiment `arrow-of-time` on small runs: what it claims, refuses and works out."""

from __future__ import annotations

from math import comb, log2
from types import SimpleNamespace
from typing import Any

import jax
import numpy as np
import pytest

from mesocosm import core, run
from mesocosm.analyses import direction, echo, rebound
from mesocosm.core import Bits, Interrupted, Turn
from mesocosm.experiments.arrow_of_time.declaration import ArrowConfiguration, _claims, _information
from mesocosm.experiments.arrow_of_time.results import replay
from mesocosm.player.encoder.recording import Recording
from mesocosm.protocol.blocks import Told
from mesocosm.protocol.measure import in_windows
from mesocosm.protocol.preparing import prepare
from mesocosm.protocol.reading import follow_ups_of
from mesocosm.protocol.registry import declaration_of
from mesocosm.protocol.scenes import about_of
from mesocosm.record import MesocosmError, load
from mesocosm.record.configuration import ConfigurationError, check, from_dict
from mesocosm.worlds.reversible import orbits

pytestmark = pytest.mark.xdist_group("arrow")
SMALL = {"replicates": 8, "ticks": 128, "turn": 64, "tape": 64, "law": "kac", "ring": {"balls": 256, "marked": 0.1}}


@pytest.fixture(scope="module")
def ring(tmp_path_factory):
    """The cheapest law, with all its controls."""
    return run("arrow-of-time", out=tmp_path_factory.mktemp("arrow") / "ring", **SMALL)


def test_its_controls_are_what_they_are_said_to_be(ring):
    runs = follow_ups_of(ring.record)
    assert set(runs) == {"chance", "velocities", "flipped", "equilibrium", "film", "film-flipped"}
    end = {name: in_windows(r, r.metrics["wrong_bits"])[:, -1] for name, r in {"": ring.record, **runs}.items()}
    assert (end[""] == 0).all() and (end["chance"] > 0).all()
    assert (end["flipped"] > 0).all() and np.median(end["flipped"]) == 1  # a ball; and on the tape what it left there
    assert (end["velocities"] == 0).all()  # on the ring the velocities are the whole reversor
    assert next(f.estimate for f in ring.findings if f.name == "fragile") < 0.1  # and a flipped bit stays one


def test_entropy_at_the_turn_is_that_of_the_counts(ring):
    rows = ring.log("film")
    at = rows["clock"] == 64
    black = rows["cells"][at][np.argsort(rows["replicate"][at])].astype(int)
    exact = np.array([sum(log2(comb(32, k)) for k in row) for row in black])
    assert np.abs(in_windows(ring.record, ring.metrics["entropy"])[:, 7] - exact).max() < 8 / 64


@pytest.fixture(scope="module")
def full(tmp_path_factory):
    """A prepared world beside a full tape."""
    plan = {**SMALL, "tape_start": "full", "assays": False}
    return run("arrow-of-time", out=tmp_path_factory.mktemp("arrow") / "full", **plan)


@pytest.fixture(scope="module")
def rest(tmp_path_factory):
    """Worlds in equilibrium beside a full tape, judged."""
    plan = {**SMALL, "start": "equilibrium"}
    return run("arrow-of-time", out=tmp_path_factory.mktemp("arrow") / "rest", **plan)


def test_what_a_blank_tape_tells_is_arithmetic_whatever_the_world(ring):
    """`after = before ^ seen` with `before = 0`: so also beside a world in equilibrium. No claim is made of it."""
    for record in (ring.record, follow_ups_of(ring.record)["equilibrium"]):
        seen, before, after = (in_windows(record, record.metrics[name]) for name in ("seen", "before", "after"))
        assert (after[:, :8] == seen[:, :8]).all() and (before[:, :8] == 0).all() and seen[:, :8].sum() > 0
        assert (before[:, 9:] == seen[:, 9:]).all() and (after[:, 9:] == 0).all()


def test_nobody_reads_a_full_tape_whatever_the_world(full, rest):
    for record in (full.record, rest.record):
        columns = {name: in_windows(record, values)[:, :8].sum(axis=1) for name, values in record.metrics.items()}
        columns["ticks"] = np.full(record.replicates, 64)
        assert max(_information(columns, of).max() for of in ("before", "after")) < 0.02
    assert (in_windows(full.record, full.metrics["wrong_bits"])[:, -1] == 0).all()  # it comes back all the same


def test_a_run_from_equilibrium_is_judged_by_its_own_films(rest):
    (found,) = rest.findings
    own = direction.accuracy(rest.record) - 0.5
    assert found.name == "untold" and found.expects == "equivalent"
    assert found.n_used == 8 and found.estimate == pytest.approx(own.mean())


def test_information_is_exact_where_it_is_known():
    columns = {"ticks": np.full(3, 2), "seen": np.array([32, 32, 16]), "cell": np.array([32, 32, 0])}
    columns["cell_seen"] = np.array([32, 16, 0])  # the same bits; independent ones; a blank cell
    assert _information(columns, "cell") == pytest.approx([1.0, 0.0, 0.0], abs=1e-12)


def test_its_page_has_the_way_there_and_back_beside_the_flipped_one(ring):
    told = Told(declaration_of(ring.record), ring.record, follow_ups_of(ring.record), ring.findings)
    film = replay(told)
    assert film is not None and len(film.panels) == 2
    for panel in film.panels:
        ticks, values = panel.series["entropy"]
        assert ticks[0] < 64 < ticks[-1] and max(values) == max(values[len(values) // 4 : -len(values) // 4])
    text = ring.report().read_text(encoding="utf-8")
    assert "R = V C" in text and "there and back" in text


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"turn": 300}, "turn = 300: must be at most ticks / 2 = 256"),
        (
            {"gas": {"side": 100}},
            "gas.side = 100: must be a multiple of 64 (sites are packed into words), for example 128",
        ),
        ({"gas": {"side": 4096}}, "gas.side = 4096: must be in 64 ... 2048 sites"),
        ({"ring": {"balls": 1000}}, "ring.balls = 1000: must be a multiple of 256"),
        ({"urn": {"balls": 300}}, "urn.balls = 300: must be a multiple of 256"),
        ({"law": "discs", "flips": 100}, "flips = 100: must be at most 48 with the law discs"),
        ({"law": "kac", "ring": {"balls": 256}, "flips": 257}, "flips = 257: must be at most 256 with the law kac"),
        ({"law": "hvp"}, "law = 'hvp': must be one of hpp, fhp"),
        ({"gas": {"density": 1.5}}, "gas.density = 1.5: must be in 0 ... 1"),
        ({"ticks": 300}, "ticks = 300: must be a multiple of every = 8"),
    ],
)
def test_what_does_not_fit_is_refused_in_a_sentence(changes, words):
    with pytest.raises(ConfigurationError) as refused:
        check(from_dict(ArrowConfiguration, changes))
    assert words in str(refused.value)


def test_what_cannot_be_asked_of_a_run_is_not_claimed():
    def names(**changes):
        return {claim.name for claim in _claims(from_dict(ArrowConfiguration, changes))}

    assert len(names()) == 7
    assert names(law="urn") == {"rises", "told", "untold"}
    assert names(start="equilibrium") == {"untold"}
    assert names(collisions="chance") == {"rises", "told", "untold"}
    assert "velocities-return" not in names(law="kac")
    for law in ("discs", "planets"):
        assert "untold" not in names(law=law) and not names(law=law, start="equilibrium")
    assert names(film_every=0) == {"rises", "returns", "chance-returns", "velocities-return", "fragile"}
    assert not names(assays=False) and not names(film_every=0, start="equilibrium")
    assert names(turn=250, ticks=504) & {"rises", "fragile"} == set()  # no row ends at the turn


# -- analyses ----------------------------------------------------------------------------------------------------------


def walks(drift: float, n: int = 200) -> np.ndarray:
    """Films of cells that do a reversible walk, spreading out by so much a frame: [films, frames, cells]."""
    rng = np.random.default_rng(1)
    frames = [rng.normal(size=(n, 64))]
    for _ in range(3):
        frames.append(0.9 * frames[-1] + (1 - 0.81) ** 0.5 * rng.normal(size=(n, 64)))
    films = np.stack(frames, axis=1)
    return films * (1 - drift) ** np.arange(4)[None, :, None]


def test_the_classifier_sees_an_arrow_and_none_where_none_is():
    x = direction.features(walks(0.0))
    np.testing.assert_allclose(direction.features(walks(0.0)[:, ::-1]), -x, atol=1e-12)
    for drift, low, high in ((0.0, 0.35, 0.65), (0.1, 0.95, 1.0)):
        x = direction.features(walks(drift))
        rightly = (x[1::2] @ direction.taught(x[::2]) > 0).mean()
        assert low <= rightly <= high


def test_growth_is_told_by_its_kind():
    t = np.arange(300.0)
    rate, unlike, _, unlike_power = echo.growth_of(np.exp(0.05 * t))  # type: ignore[misc]
    assert rate == pytest.approx(0.05) and unlike < unlike_power
    _, unlike, power, unlike_power = echo.growth_of(t**2)  # type: ignore[misc]
    assert power == pytest.approx(2.0) and unlike > unlike_power
    assert echo.growth_of(np.ones(300)) is None


def test_an_echo_on_the_ring_loses_one_bit_for_each_flipped(ring):
    result = ring.measure("echo", worlds=4, turns=2, flips=[1, 4])
    apart = np.array(result.values["apart"])
    assert (apart[0] == 1).all() and (apart[1] == 4).all()
    assert "does not grow" in result.sentence


def test_of_what_did_not_rise_nothing_is_undone(rest):
    with pytest.raises(MesocosmError, match="begins in equilibrium, where entropy does not rise"):
        rest.measure("echo")
    first, high, low = np.array([100, 100, 100]), np.array([200, 100, 90]), np.array([150, 40, 40])
    np.testing.assert_array_equal(echo.undone(first, high, low), [0.5, np.nan, np.nan])
    assert echo._mean(np.array([np.nan, np.nan])) is None and echo._mean(np.array([0.5, np.nan])) == 0.5


def test_an_echo_is_asked_of_what_has_a_way_back():
    for changes in ({"law": "urn"}, {"law": "kac", "collisions": "chance"}):
        header = {"configuration": {"start": "prepared", **changes}}
        assert "has no way back" in echo._can_come_back(SimpleNamespace(header=header))  # type: ignore[arg-type]


def test_rebound_is_asked_of_planets_only(ring):
    with pytest.raises(MesocosmError, match=r"has no planets \(run arrow-of-time with --law planets\)"):
        ring.measure("rebound")


class _StopsOnTheWayBack:
    """Steering: a run that is interrupted after its turn, with a checkpoint."""

    def turn(self, present: Any) -> Turn | None:
        tick = present.progress.tick
        return Turn(tick + 16) if tick < 96 else None


@pytest.fixture(scope="module")
def planets(tmp_path_factory):
    """A run that was interrupted on its way back, and gone on with."""
    tmp_path = tmp_path_factory.mktemp("arrow")
    changes = {"law": "planets", "planets": {"dust": 8}, "film_every": 0, "assays": False, "every": 16}
    plan = {"replicates": 2, "ticks": 128, "turn": 64, "tape": 64}
    setup, planned = prepare("arrow-of-time", from_dict(ArrowConfiguration, {**changes, **plan}))
    with pytest.raises(Interrupted):
        core.run(setup, planned, tmp_path / "run", steering=_StopsOnTheWayBack())
    assert 96 <= load(tmp_path / "run").tick < 128
    return core.resume(setup, planned, tmp_path / "run")


def test_planets_come_back_through_a_checkpoint_that_is_written_on_the_way(planets):
    """REBOUND's archive: written to a file on the way, read, and gone on with; here the file of an interrupted run."""
    wrong = in_windows(planets, planets.metrics["wrong_bits"])
    assert (wrong[:, 3] > 1000).all() and (wrong[:, 5] > 0).all() and (wrong[:, 7] == 0).all()


def test_the_planets_of_a_run_stay_beside_those_of_rebound(planets):
    """After REBOUND's own 100 units of time 1e-4 apart, where both came by thirteen orbits."""
    pytest.importorskip("rebound")
    values = rebound.compute(planets, rebound.Settings())
    assert 0 < values["largest"] < 1e-4 and values["returns"]


def test_rebound_is_not_asked_of_planets_that_are_kicked(planets):
    configuration = {**planets.header["configuration"], "collisions": "chance"}
    kicked = SimpleNamespace(header={"configuration": configuration})
    assert "is kicked by chance" in rebound._of_planets(kicked)  # type: ignore[arg-type]


def test_the_start_of_our_planets_is_that_of_rebound():
    """From the same elements, to 1e-14."""
    other = pytest.importorskip("rebound")
    _, x, v = orbits.system()
    sim = other.Simulation()
    sim.add(m=1.0)
    for m, a, e, omega, longitude in orbits.PLANETS:
        sim.add(m=m, a=a, e=e, omega=omega, l=longitude)
    sim.move_to_com()
    np.testing.assert_allclose(rebound.places(sim), np.concatenate([x, v], axis=1), atol=1e-14)


def test_the_largest_worlds_overflow_nothing():
    """Entropies, counts and places of bits of the largest gas and ring stay below 2^31, and films hold their counts."""
    from mesocosm.experiments.arrow_of_time.system import build
    from mesocosm.worlds.reversible.parameters import CELLS

    largest = {"balls": 2**20}
    for changes in ({"gas": {"side": 2048}}, {"law": "kac", "ring": largest}, {"law": "urn", "urn": largest}):
        configuration = from_dict(ArrowConfiguration, changes)
        check(configuration)
        law: Any = build(configuration).experiment
        table, n_cells = np.asarray(law.world.table, np.int64), CELLS**2 if "gas" in changes else CELLS
        assert 0 < n_cells * table.max() < 2**31 and (table >= 0).all()
        assert np.iinfo(_dtype_of_film(law)).max >= table.size - 1


def _dtype_of_film(law: Any) -> Any:
    now = jax.eval_shape(lambda bits: law.init(bits), Bits.shapes()).now
    return jax.eval_shape(lambda bits, now: law.film(bits, now), Bits.shapes(), now)["film"].columns["cells"].dtype


def test_what_is_drawn_first_is_said_by_the_world_not_by_the_player(ring):
    """Traced, its curves stand in the order of the alphabet; beneath the slider in that in which it tells of them."""
    run = follow_ups_of(ring.record)["film"]
    film = Recording(run, 0, "film", about_of(run))
    named = [name for name in film.series if name in ("apart", "entropy", "rise", "wrong_bits")]
    assert named[:3] == ["entropy", "wrong_bits", "rise"]
