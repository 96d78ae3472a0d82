"""Games and learners by name, what goes wrong in them, and what analyses say of them."""

from dataclasses import fields
from typing import ClassVar

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import mesocosm as mc
from mesocosm import lab
from mesocosm.analyses.cycles import Settings as Looked
from mesocosm.analyses.cycles import compute as cycles
from mesocosm.analyses.cycles import turns
from mesocosm.analyses.modes import Settings, compute, show
from mesocosm.analyses.rematch import players_alone, tournament_of
from mesocosm.core import Bits
from mesocosm.core.random import seed_words
from mesocosm.experiments.game.declaration import DECLARATION, GameConfiguration
from mesocosm.experiments.game.system import build
from mesocosm.games.adversaries import Adversaries, Net
from mesocosm.games.find import game_named, learner_named
from mesocosm.games.game import MatrixGame
from mesocosm.games.known import GAMES
from mesocosm.games.learner import LEARNERS
from mesocosm.record import ConfigurationError, FolderError, Status
from mesocosm.record.configuration import check

pytestmark = pytest.mark.xdist_group("games")


@pytest.mark.parametrize(
    ("field", "value", "said"),
    [
        ("game", "bilinar", r"game = bilinar: there is no such game. Did you mean bilinear\? There are bilinear, "),
        ("game", "rps(tie=x)", r"game = rps\(tie=x\): 'tie=x' must be NAME=NUMBER"),
        ("game", "rps(ties=1)", r"game = rps: there is no parameter 'ties'; it has tie, gift"),
        ("game", "rps(tie=nan)", r"game = rps: tie = nan must be within 1e6 of 0"),
        ("game", "rps(tie=1", "write a name, as rps, or"),
        ("game", "", "write a name, as rps, or"),
        ("learner", "adm", r"learner = adm: there is no such learner. Did you mean adam\?"),
        ("learner", "sga+consensus", "sga and consensus do not go together; name one"),
        ("learner", "flow+adam", "flow has no steps; name it alone"),
        ("learner", "alternating(x=1)", "alternating has no parameters"),
    ],
)
def test_what_is_not_there_is_refused_with_what_is(field, value, said):
    with pytest.raises(ConfigurationError, match=said):
        (game_named if field == "game" else learner_named)(value)


def test_a_learner_of_acts_needs_a_game_of_acts():
    with pytest.raises(ConfigurationError, match=r"replicator: follows payoffs .* bilinear is none. Take flow"):
        build(GameConfiguration(game="bilinear", learner="replicator"))


def test_the_help_names_every_game_with_its_parameters_and_every_learner():
    import inspect

    text = inspect.getsource(GameConfiguration)
    assert all(name in text for name in (*GAMES, *LEARNERS)), "the texts of GameConfiguration"
    for game in GAMES.values():
        assert all(f"{name}=" in text for name in [f.name for f in fields(game)])


def test_numbers_of_games_of_acts_are_logits():
    rps = game_named("rps")
    assert (
        isinstance(rps, MatrixGame) and rps.sizes == (3, 3) and float(sum(rps.shown(rps.rest)[0])) == pytest.approx(1)
    )
    hunters = game_named("lotka-volterra")
    prey, predators = hunters.shown(hunters.rest)
    assert float(prey[0]) == pytest.approx(4) and float(predators[0]) == pytest.approx(2.75)
    assert np.abs(np.asarray(hunters.velocity(hunters.rest))).max() < 1e-6


class Forgets(lab.Learner):
    """Its numbers stop being numbers."""

    def step(self, game, z, memory, rate):
        return z + rate * jnp.nan, memory


class Stands(lab.Learner):
    """The second player never moves."""

    def step(self, game, z, memory, rate):
        return z.at[0].add(rate * game.velocity(z)[0]), memory


def course(ticks: int, **changes):
    """The law alone, without the loop: its state after so many ticks, and the law."""
    law = build(GameConfiguration(**changes), learners={"forgets": Forgets(), "stands": Stands()}).experiment
    seed, one = seed_words(0), jnp.uint32(0)
    walk = jax.jit(lambda state: jax.lax.fori_loop(0, ticks, lambda t, s: law.tick(Bits.at(seed, one, t), s)[0], state))
    return walk(jax.jit(lambda: law.init(Bits.founding(seed, one)))()), law


def test_what_runs_away_or_is_no_number_ends_and_says_why():
    for changes in ({"learner": "simultaneous", "step": 1.0}, {"learner": "forgets"}):
        state, law = course(60, game="bilinear", **changes)
        assert int(law.status(state)) == Status.DIVERGED
        assert "is no longer a number" in type(law).endings[Status.DIVERGED]


def test_a_player_that_stops_is_counted_and_told():
    state, law = course(40, game="bilinear", learner="stands")
    assert int(state.idle) == 40 and int(law.status(state)) == Status.ALIVE
    state, _ = course(40, game="bilinear", learner="alternating")
    assert int(state.idle) == 0


def test_the_carried_difference_grows_by_the_radius_of_the_step():
    state, _ = course(50, game="bilinear", learner="simultaneous", step=0.1)
    assert float(state.stretched) == pytest.approx(50 * np.log(np.sqrt(1.01)), rel=1e-4)
    assert float(state.time) == pytest.approx(5, rel=1e-5)


@pytest.fixture(scope="module")
def hopf(tmp_path_factory):
    """Play that comes to the unit circle."""
    return mc.run(
        "game", game="hopf", learner="flow", replicates=3, ticks=1200, every=4, keep_every=100, frames_every=0,
        out=tmp_path_factory.mktemp("games") / "hopf",
    )  # fmt: skip


def test_a_limit_cycle_is_told_from_a_centre(hopf):
    found = hopf.measure("cycles")
    assert found.values["limit_cycle"] and found.values["kind"] == ["circles"] * 3
    assert np.allclose(found.values["period"], 2 * np.pi, atol=2e-3) and np.allclose(
        found.values["width"], 1, atol=1e-3
    )
    assert (
        "3 circle. A turn takes 6.28" in found.sentence
        and "units of time" in found.sentence
        and "a limit cycle" in found.sentence
    )


def test_the_spectrum_of_a_limit_cycle_is_0_and_what_brings_one_back(hopf):
    """Of the normal form exactly 0 and -2: nobody is chaotic."""
    found = hopf.measure("lyapunov", ticks=2000, replicates=2, windows=50)
    assert np.allclose(found.values["exponents"], [[0, -2]] * 2, atol=0.01) and not any(found.values["chaotic"])
    assert found.sentence.startswith("0 of 2 courses are chaotic") and "add up to -2.0" in found.sentence


def test_exponents_are_per_unit_of_the_time_that_goes_on_passing(hopf):
    """After an intervention in the step, too."""
    run = mc.run(
        "game", game="hopf", learner="flow", replicates=1, ticks=80, every=4, keep_every=0, frames_every=0,
        interventions=("40:step=0.1",), out=hopf.folder.parent / "faster",
    )  # fmt: skip
    found = run.measure("lyapunov", ticks=1000, windows=20)
    assert np.allclose(found.values["exponents"], [[0, -2]], atol=0.01) and found.values["per"] == "unit of time"


def test_players_come_together_where_mixes_do():
    """Explorers of pennies at rest: -1 + i and -1 - i. That a shift of all logits of a player stays says nothing."""
    changes = {"game": "pennies", "learner": "boltzmann", "spread": 0}
    state, law = course(100, **changes)
    assert float(state.stretched / state.time) == pytest.approx(-1, abs=1e-3)
    numbers, step = law.course(state)
    values = np.linalg.eigvals(
        np.asarray(
            jax.jit(jax.jacobian(lambda x: step(Bits.at(seed_words(0), jnp.uint32(0), jnp.int32(0)), x)))(numbers)
        )
    )
    assert np.allclose(np.log(np.abs(values)) / 0.05, [-1, -1], atol=1e-3)


def test_the_curl_of_the_field_on_the_unit_circle(hopf):
    """J there: S has eigenvalues 0 and -2, A is the rotation: |A|^2 / |J|^2 = 2 / (2 + 4)."""
    found = hopf.measure("vorticity")
    assert np.allclose(found.values["share"], 1 / 3, atol=1e-3) and "(both)" in found.sentence
    last = hopf.metrics["vorticity"][-3:]
    assert np.allclose(last, found.values["share"], atol=1e-4), "recorded in every window, too"


def test_players_that_only_circle_do_not_get_ahead_of_their_past(hopf):
    found = hopf.measure("rematch", snapshots=6)
    assert "No progress is seen" in found.sentence and np.shape(found.values["matrix"]["mean"]) == (6, 6)
    assert [f.name for f in found.findings] == ["progress", "order", "chase", "first-alone", "second-alone"]
    assert "Alone, the first is not seen to be better, only different" in found.sentence


def test_any_law_of_floating_numbers_has_a_spectrum_but_only_games_have_a_field(hopf):
    run = mc.run("lorenz", replicates=1, ticks=50, out=hopf.folder.parent / "lorenz")
    found = run.measure("lyapunov", ticks=2000, windows=20)
    assert np.sum(found.values["exponents"]) == pytest.approx(-(10 + 1 + 8 / 3), abs=1e-3)  # -13.6667
    with pytest.raises(FolderError, match=r"no array state\.z"):
        run.measure("vorticity")


@pytest.mark.parametrize(
    ("line", "kind"),
    [
        (lambda t: np.sin(t), "circles"),
        (lambda t: np.exp(-t), "rests"),
        (lambda t: np.exp(t / 20) * np.sin(t), "grows"),
        (lambda t: np.exp(-t / 20) * np.sin(t), "shrinks"),
        (lambda t: np.sin(t) + np.sin(np.sqrt(2) * t) + np.sin(t * t / 50), "irregular"),
        (lambda t: 0 * t, "rests"),
        (lambda t: np.where(t < 70, np.sin(t), np.nan), "ended"),
    ],
)
def test_kinds_of_course(line, kind):
    t = np.arange(0, 80, 0.05)
    assert turns(t, line(t)).kind == kind


def test_modes_are_found_lost_and_kept():
    """Two artists, three modes, four windows: one loses two and keeps one, one ends early and keeps none."""

    class Recorded:
        tick, replicates = 40, 2
        header: ClassVar = {"every": 10}
        metrics: ClassVar = {
            "replicate": np.array([0, 0, 0, 0, 1]),
            "tick": np.array([10, 20, 30, 40, 10]),
            "mode_0": np.array([0.3, 0.3, 0.3, 0.3, 0.4]),
            "mode_1": np.array([0.0, 0.3, 0.3, 0.05, 0.3]),
            "mode_2": np.array([0.3, 0.3, 0.0, 0.0, 0.3]),
        }

    found = compute(Recorded(), Settings(late=0.5))
    assert found["found"] == [3, 3] and found["kept"] == [1, 0] and found["lost"] == [2, 3]
    assert "0 of 2 artists keep all 3 modes" in show(Recorded(), found).sentence


def test_claims_are_of_the_game_they_speak_of():
    assert [c.name for c in DECLARATION.claims_under(GameConfiguration())] == ["chaos", "ties", "two-acts"]
    assert DECLARATION.claims_under(GameConfiguration(game="hopf", learner="flow")) == ()
    assert DECLARATION.claims_under(GameConfiguration(ticks=3999)) == (), "shear would look like chaos"
    assert all(DECLARATION.claims_under(GameConfiguration(**DECLARATION.presets[p])) for p in ("quick", "paper"))
    assert [c.expects for c in DECLARATION.claims] == ["supported", "supported", "equivalent"]


def test_an_artist_is_held_against_the_control_at_its_own_best_step():
    from mesocosm.experiments.gan.declaration import DECLARATION, GanConfiguration

    assert DECLARATION.arms == {"simultaneous": {"learner": "simultaneous", "step": 0.1}}
    assert [c.name for c in DECLARATION.claims_under(GanConfiguration())] == ["covered", "all"]
    for changes in ({"learner": "adam"}, {"learner": "simultaneous"}, {"target": "grid"}):
        assert DECLARATION.claims_under(GanConfiguration(**changes)) == ()


def test_a_game_of_ones_own_is_known_by_the_name_of_its_experiment():
    class Rope(lab.LossGame):
        """Two who pull."""

        friction: float = 0.1

        def losses(self, x, y):
            return x[0] * y[0] + self.friction * x[0] ** 2, -x[0] * y[0] + self.friction * y[0] ** 2

    declared = lab.playing("rope", game=Rope(), step=0.5, question="Who wins?")
    made = declared.configuration()
    assert (made.game, made.step, declared.question, made.ticks) == ("rope", 0.5, "Who wins?", 10000)
    assert declared.build(made).experiment.game.friction.dtype == jnp.float32
    changed = declared.configuration(game="rope(friction=2)")
    assert float(declared.build(changed).experiment.game.friction) == 2
    with pytest.raises(ConfigurationError, match="no field or part 'stepp'"):
        lab.playing("rope", game=Rope(), stepp=1)


def test_a_game_of_velocities_alone_has_no_rematch(hopf):
    run = mc.run(
        "game", game="lotka-volterra", learner="flow", replicates=1, ticks=8, every=4, keep_every=4, frames_every=0,
        out=hopf.folder.parent / "hunters",
    )  # fmt: skip
    with pytest.raises(FolderError, match=r"its game \(Hunters\) does not say what players earn, .* give it `earned`"):
        run.measure("rematch")


def test_what_players_earn_among_those_of_other_times():
    """Two times of the bilinear game, by hand: the first earns -x y, the second x y; A_01 = x_1 y_0 - x_0 y_1."""
    z = np.array([[1.0, 2.0], [3.0, -1.0]], np.float32)
    earned = np.zeros((2, 1, 2, 2, 2))
    for i in range(2):
        for j in range(2):
            earned[:, 0, i, j] = np.asarray(game_named("bilinear").earned(jnp.asarray(z[i]), jnp.asarray(z[j])))
    assert earned[0, 0, 0, 1].tolist() == [-1 * -1, 3 * 2]  # x_0 against y_1, y_0 against x_1
    found = tournament_of(np.array([1000, 2000]), earned)
    assert found.scores[0, 0].tolist() == [[0, 7], [-7, 0]]
    first, second = players_alone(np.array([1000, 2000]), ["first", "second"], earned.repeat(8, axis=1), Eight())
    assert (first.estimate, second.estimate) == (-1, -6)  # -x/2 from -0.5 to -1.5, 2 y from 4 to -2


class Eight:
    """A record, as far as its findings go."""

    replicates = 8
    header: ClassVar = {"seed": 0}


class Artists:
    """A record of two artists and eight modes: one holds all in both windows, the other ended after the first."""

    tick, replicates = 20, 2
    header: ClassVar = {"every": 10, "configuration": {"target": "ring"}}
    metrics: ClassVar = {
        "replicate": np.array([0, 1, 0]),
        "tick": np.array([10, 10, 20]),
        **{f"mode_{k}": np.array([0.1, 0.1, 0.1]) for k in range(8)},
    }


class Lost(Artists):
    """The same artists under the control: three modes, and none."""

    metrics: ClassVar = {**Artists.metrics, **{f"mode_{k}": np.array([0.1, 0, 0.1 * (k < 3)]) for k in range(8)}}


def test_a_pair_that_ended_keeps_nothing_and_stays_in_the_count():
    from mesocosm.experiments.gan.results import statistics

    found = statistics(Artists(), {"simultaneous": Lost()})
    assert found["covered"] == pytest.approx([0.8 - 0.3, 0]) and found["all"].tolist() == [1, 0]
    assert np.isnan(statistics(Artists(), {})["covered"]).all(), "without its control it says nothing"


def test_one_mode_painted_well_covers_one_mode():
    from mesocosm.experiments.gan.results import covered

    class One(Artists):
        metrics: ClassVar = {**Artists.metrics, **{f"mode_{k}": np.full(3, float(k == 0)) for k in range(8)}}

    assert covered(One()) == pytest.approx([1 / 8, 0])


def test_a_pair_of_nets_that_is_no_number_any_more_has_diverged():
    from mesocosm.experiments.gan.declaration import GanConfiguration
    from mesocosm.experiments.gan.system import Pair, build

    law = build(GanConfiguration(hidden=(3,), batch=4, looked_at=16)).experiment
    assert not hasattr(law, "time_in_a_tick"), "its step is a rate of learning"
    numbers = jnp.zeros(law.artist.size + law.critic.size)
    for value, status in ((0.0, Status.ALIVE), (jnp.nan, Status.DIVERGED), (2e6, Status.DIVERGED)):
        assert int(law.status(Pair(numbers.at[5].set(value), (), jnp.int32(0)))) == status
    with pytest.raises(ConfigurationError, match=r"learner = hedge: .* gan is none"):
        build(GanConfiguration(learner="hedge"))
    with pytest.raises(ConfigurationError, match=r"hidden = \(\): name one level at least"):
        check(GanConfiguration(hidden=()))


def test_what_the_critic_earns_is_what_its_loss_lacks():
    """Against the definition in NumPy; a critic that says nothing earns nothing."""
    artist, critic = Net((1, 2)), Net((2, 3, 1))
    rng = np.random.default_rng(0)
    z = rng.normal(size=artist.size + critic.size).astype(np.float32)
    true, noise = (rng.normal(size=shape).astype(np.float32) for shape in ((5, 2), (5, 1)))
    game = Adversaries(artist, critic, jnp.float32(0), jnp.asarray(true), jnp.asarray(noise))
    made = noise @ z[:2].reshape(1, 2) + z[2:4]
    w, b, u, c = np.split(z[4:], [6, 9, 12])

    def says(points):
        return np.tanh(points @ w.reshape(2, 3) + b) @ u + c

    loss = np.mean(np.log1p(np.exp(-says(true)))) + np.mean(np.log1p(np.exp(says(made))))
    both = jax.jit(lambda z: (game.value(*game.parts(z)), game.losses(*game.parts(z))[1]))
    assert [float(x) for x in both(z)] == pytest.approx([np.log(4) - loss, loss], abs=1e-5)
    assert float(both(np.concatenate([z[:4], np.zeros(critic.size, np.float32)]))[0]) == pytest.approx(0, abs=1e-6)


@pytest.mark.parametrize(
    ("widths", "is_limit"), [((1, 1, 1), True), ((1, 1, 1.1), False), ((1, 1, 0), False), ((1, 0, 0), False)]
)
def test_it_is_a_limit_cycle_only_if_all_come_to_one_width(widths, is_limit):
    class Circling:
        tick, replicates = 1000, len(widths)
        header: ClassVar = {"every": 1}
        metrics: ClassVar = {
            "replicate": np.repeat(np.arange(len(widths)), 1000),
            "tick": np.tile(np.arange(1, 1001), len(widths)),
            "x": np.concatenate([w * np.sin(np.arange(1000) / 10) for w in widths]),
        }

    found = cycles(Circling(), Looked())
    assert found["limit_cycle"] is is_limit and found["kind"] == ["circles" if w else "rests" for w in widths]
    assert found["period"][0] == pytest.approx(20 * np.pi, rel=1e-3) and found["time"] == "ticks"
