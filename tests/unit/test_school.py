"""`school`: what learning changes and what not, mirrored wires, founders by hand, accidents, measures, bad input."""

from __future__ import annotations

from functools import cache
from types import SimpleNamespace

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from mesocosm.core.instrument import Camera
from mesocosm.core.random import Bits, seed_words
from mesocosm.ecology.ecology import Ecology
from mesocosm.experiments.school.accidents import Accidents
from mesocosm.experiments.school.declaration import DECLARATION, SchoolConfiguration
from mesocosm.experiments.school.measures import kept, measures, tumbles
from mesocosm.experiments.school.system import ByHand, build
from mesocosm.experiments.school.taste import INSTINCT, PUPIL, TASTE, senses_of
from mesocosm.layers.book import Book
from mesocosm.minds.mind import Draw, Experience
from mesocosm.minds.pupil.net import Pupil
from mesocosm.minds.pupil.parameters import RULE, PupilParameters
from mesocosm.minds.pupil.words import Wiring, gene_names
from mesocosm.protocol.preparing import check_what_follows
from mesocosm.protocol.registry import find
from mesocosm.record import ConfigurationError
from mesocosm.record.configuration import check, from_dict, to_dict

WIRING = Wiring.of(senses_of(("odour", "touch")))
SEED = seed_words(3)
NOTHING, CRUMBS, BITE = range(3)  # taste is the last digit of a stimulus


@cache
def mind_of(**changes) -> Pupil:
    return Pupil(PupilParameters(**changes), WIRING, 2, is_blank=True)


@jax.jit
def lives(mind, genome, crossed, words, fed):
    """A body that always tastes nothing, and eats a bite in ticks in which it does the act that is `fed`."""
    bits = Bits.at(SEED, jnp.uint32(0), jnp.int32(1))
    brain = mind.develop(Draw(bits, jnp.int32(1), jnp.uint32(0)), genome, None)
    brain = {**brain, "crossed": crossed}

    def tick(brain, word):
        brain, act = mind.act(Draw(bits, jnp.int32(1), word), genome, brain, jnp.int32(NOTHING))
        doings = {"eaten": 64 * (act == fed).astype(jnp.int32), "met": jnp.int32(0)}
        told = Experience(jnp.int32(NOTHING), act, doings, jnp.int32(NOTHING), jnp.bool_(False))
        return mind.learn(genome, brain, told), act

    return jax.lax.scan(tick, brain, words)


WORDS = jnp.asarray(np.random.default_rng(1).integers(0, 2**16, 400), jnp.uint32)


def lived(text: str, crossed: int = 0, fed: int = 0, **changes):
    mind = mind_of(**changes)
    end, acts = lives(mind, jnp.asarray(mind.written(text)), jnp.int32(crossed), WORDS, jnp.int32(fed))
    return jax.tree.map(np.asarray, end), np.asarray(acts)


@pytest.mark.parametrize("crossed", [0, 1])
@pytest.mark.parametrize("fed", [0, 1])
def test_a_pupil_finds_out_what_feeds_it_whatever_its_wires(fed, crossed):
    _, acts = lived(PUPIL, crossed, fed)
    assert (acts[-200:] == fed).mean() > 0.93, "no act is rarer than one in 33"
    _, acts = lived(PUPIL.replace("food=127", "food=-127"), crossed, fed)
    assert (acts[-200:] == fed).mean() < 0.07, "whoever dislikes food avoids it"


def test_crossed_wires_mirror_a_life():
    """What a blank body with crossed wires means is what another means whose world is turned round."""
    straight, crossed = lived(PUPIL, 0, fed=1), lived(PUPIL, 1, fed=0)
    np.testing.assert_array_equal(crossed[1], 1 - straight[1])
    for name in ("actor", "critic", "acted", "valued"):
        np.testing.assert_array_equal(crossed[0][name], straight[0][name])


def test_who_does_not_learn_stays_as_born():
    for end, acts in (
        lived(PUPIL, learns_until=0),
        lived("food=127"),
        lived(PUPIL, without=("actor", "critic")),
    ):
        assert not end["actor"].any() and not end["critic"].any()
        assert end["age"] == WORDS.size
        assert 0.4 < acts.mean() < 0.6, "coins"


def test_learning_that_stops_keeps_what_is_known():
    stopped, going_on = lived(PUPIL, learns_until=100)[0], lived(PUPIL)[0]
    assert stopped["actor"].any() and not np.array_equal(stopped["actor"], going_on["actor"])
    early = lives(mind_of(), jnp.asarray(mind_of().written(PUPIL)), jnp.int32(0), WORDS[:100], jnp.int32(0))[0]
    np.testing.assert_array_equal(stopped["actor"], early["actor"])


def test_expectation_comes_to_what_is_felt():
    """A value neuron that sees no future converges to the feeling itself: 127 x 128 / 2 in 1/256 of a gene."""
    end, acts = lived("critic=16,food=127,sharpness=127,taste nothing=-127", fed=0)
    felt = (127 * 128) >> 1
    h = 127 * np.array([name in ("odour far", "taste nothing") for name in WIRING.inputs])
    expected = int((end["critic"] * h).sum()) >> 7
    assert abs(expected / felt - (acts == 0).mean()) < 0.05


def test_instinct_is_read_off_the_genome():
    mind = mind_of()
    weights = np.asarray(jax.jit(lambda g: mind.act_weights(g))(jnp.asarray(mind.written(INSTINCT))))
    stays = (weights[:, 1] / weights.sum(axis=1)).reshape(-1, 3)
    assert (stays[:, NOTHING] < 0.04).all() and (stays[:, CRUMBS] > 0.96).all() and (stays[:, BITE] > 0.96).all()
    weights = np.asarray(jax.jit(lambda g: mind.act_weights(g))(jnp.asarray(mind.written(PUPIL))))
    assert (weights[:, 0] == weights[:, 1]).all(), "a pupil knows nothing"


def test_genes_are_named_and_written():
    names = gene_names(WIRING, 8, 2)
    assert len(names) == mind_of().n_loci == 95 and len(set(names)) == 95
    genes = dict(zip(names, mind_of().written("taste a bite=100,trace=-3,food=12"), strict=True))
    assert genes.pop("neuron 7 to tumble") == 100 and genes.pop("neuron 7 to run") == -100
    assert genes.pop("trace") == -3 and genes.pop("food") == 12
    assert [genes.pop(f"{told} to neuron {j}") for j, told in enumerate(WIRING.inputs)] == [127] * 8
    assert not any(genes.values())
    scene = mind_of().genome([], {}, 97)
    assert [gene.name for gene in scene.genes[:95]] == names and scene.genes[96].name == "locus 96"


@pytest.mark.parametrize(
    ("text", "said"), [("taste sweet=1", "names are odour far"), ("food=128", "-128 ... 127"), ("food", "whole number")]
)
def test_what_is_no_genotype_is_refused(text, said):
    with pytest.raises(ConfigurationError, match=said):
        mind_of().written(text)


def test_a_net_by_hand_takes_a_neuron_an_input():
    with pytest.raises(ConfigurationError, match="set hidden"):
        mind_of(hidden=7).written(PUPIL)
    with pytest.raises(ConfigurationError, match=r"mind\.hidden = 7"):
        check(from_dict(SchoolConfiguration, {"founders": "rivals", "mind": {"hidden": 7}}))
    with pytest.raises(ConfigurationError, match="set 2 or more"):
        check(from_dict(SchoolConfiguration, {"founders": "beside", "world": {"founders": 1}}))
    check(from_dict(SchoolConfiguration, {"mind": {"hidden": 7}}))


SMALL = {"side": 16, "founders": 40, "ceiling": 64, "division_energy": 2400, "founding_energy": 2000}


def founded(founders: str):
    setup = build(from_dict(SchoolConfiguration, {"world": SMALL, "founders": founders}))
    law, bits = setup.experiment, Bits.founding(SEED, jnp.uint32(0))
    assert isinstance(law, Ecology) and isinstance(law.mind, Pupil)
    state = law.init(bits)
    if setup.founding is not None:
        assert isinstance(setup.founding, ByHand)
        state = setup.founding.replace(bits, state, jnp.uint32(0))
    return law.mind, jax.tree.map(np.asarray, state)


def test_founders():
    n = SMALL["founders"]
    mind, state = founded("blank")
    rule = -len(RULE)
    assert not state.genomes[:, 64:rule, :].any(), "acts and expectations are blank in both strands"
    assert (state.genomes[0, rule:, :n] != state.genomes[1, rule:, :n]).mean() > 0.9
    _, state = founded("random")
    assert state.genomes[:, 64:rule, :n].any(axis=(0, 1)).all()
    _, state = founded("rivals")
    pupil, instinct = mind.written(PUPIL), mind.written(INSTINCT)
    assert (state.genomes[:, :, 0:n:2] == pupil[:, None]).all() and (
        state.genomes[:, :, 1:n:2] == instinct[:, None]
    ).all()
    assert not state.genomes[:, :, n:].any() and not state.brains["actor"][..., n:].any()


def test_the_old_know_what_to_do_under_their_own_wires():
    n = SMALL["founders"]
    mind, state = founded("beside")
    actor, crossed = state.brains["actor"][..., :n], state.brains["crossed"][:n]
    assert not actor[..., 0::2].any(), "the young are blank"
    known = mind.written(INSTINCT)[64:80].astype(int).reshape(2, 8) << 8
    assert {0, 1} == set(crossed[1::2].tolist())
    for k in range(1, n, 2):
        np.testing.assert_array_equal(actor[..., k], known[::-1] if crossed[k] else known)
    assert (state.genomes[:, :, :n] == mind.written(PUPIL)[:, None]).all()


def test_accidents_are_booked_and_there_are_none_in_a_garden():
    energy = jnp.arange(1000, 1512, dtype=jnp.int32)
    ids = jnp.where(jnp.arange(512) % 4 > 0, jnp.arange(512) + 1, 0).astype(jnp.int32)
    state = SimpleNamespace(world=SimpleNamespace(bodies=SimpleNamespace(id=ids, alive=ids > 0, energy=energy)))
    state.with_energy = lambda left: SimpleNamespace(left=left)
    bits, layer = Bits.at(SEED, jnp.uint32(0), jnp.int32(9)), Accidents(0.25)
    after, book = layer.die(bits, state, Book(None, {}, jnp.uint32(0)))
    struck = np.asarray(after.left) == 0
    assert struck.sum() == pytest.approx(96, abs=35) and not struck[np.asarray(ids) == 0].any()
    assert int(book.flows["accidents"]) == int(np.asarray(energy)[struck].sum())
    for kind, chance in (("garden", 0), ("competition", 1 << 14)):
        assert int(layer.frozen(kind).threshold) == chance


def test_taste_is_read_against_the_bite():
    law = SimpleNamespace(bite=64, at_bodies=lambda state, field: np.array([0, 1, 63, 64, 500]))
    assert TASTE.read is not None
    assert TASTE.read(law, None).tolist() == [NOTHING, CRUMBS, CRUMBS, BITE, BITE]


def test_measures_are_what_they_say():
    columns = {f"visits_{s}": np.array([v, 0]) for s, v in enumerate((3, 0, 0, 1))}
    columns |= {f"tumble_evolved_{s}": np.array([v, v]) * 1024 for s, v in enumerate((2, 9, 9, 8))}
    columns |= {"population": np.array([10, 10]), "marked": np.array([4, 0]), "marked_energy": np.array([900, 0])}
    assert tumbles(columns, "evolved", [0, 3]).tolist() == pytest.approx([0.35, 0.5]), "by visits, evenly where none"
    np.testing.assert_array_equal(kept(columns, 200.0), [25.0, np.nan])
    instinct = next(m for m in measures(to_dict(SchoolConfiguration())) if m.name == "instinct")
    all_tumble = {f"tumble_{strand}_{s}": np.array([0.0]) for strand in ("evolved", "shadow") for s in range(24)}
    all_tumble |= {f"visits_{s}": np.array([1]) for s in range(24)} | {"population": np.array([1])}
    all_tumble |= {f"tumble_evolved_{s}": np.array([1024.0]) for s in range(24) if s % 3 == BITE}
    assert instinct.at(all_tumble).tolist() == [1.0] and instinct.at(all_tumble, of_control=True).tolist() == [0.0]


@pytest.mark.parametrize("preset", DECLARATION.presets)
def test_arms_can_be_run_beside_every_preset(preset):
    configuration = from_dict(SchoolConfiguration, dict(DECLARATION.presets[preset]))
    check(configuration)
    check_what_follows(find("school"), configuration)


def test_food_is_seen_where_it_lies() -> None:
    """Odour, which lies everywhere, would hide it; food that rains all over has no source that could be shown."""
    setup = build(SchoolConfiguration(frames_every=4))
    law = setup.experiment
    assert isinstance(law, Ecology)
    for shown in (law, law.frozen("garden")):
        scene = jax.eval_shape(lambda bits, shown=shown: shown.scene(shown.init(bits)), Bits.shapes())
        assert (set(scene.points), set(scene.fields)) == ({"bodies"}, {"food"})
    assert {log.source for log in setup.logs if isinstance(log, Camera)} == {"bodies", "food"}
