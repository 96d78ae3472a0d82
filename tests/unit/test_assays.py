"""Assays of a small run: nobody is born or dies in a garden, a population cannot beat itself, the dead count."""

from __future__ import annotations

import json
import shlex
import shutil
from dataclasses import replace

import numpy as np
import pytest

import mesocosm as mc
from mesocosm.cli.run import configuration_from
from mesocosm.ecology.assay import analysis
from mesocosm.ecology.assay.declaration import AssayConfiguration
from mesocosm.ecology.assay.population import living, resolved
from mesocosm.ecology.blocks import population_and_ledger
from mesocosm.findings.multiplicity import benjamini_hochberg
from mesocosm.instruments.ancestry import lineage_shares, lives
from mesocosm.minds.parameters import TableParameters
from mesocosm.minds.writing import genes_of
from mesocosm.protocol.blocks import Told
from mesocosm.protocol.compare import compare
from mesocosm.protocol.derived import newest
from mesocosm.protocol.launch import go_on
from mesocosm.protocol.reading import configuration_of, folder_of
from mesocosm.protocol.registry import declaration
from mesocosm.record import ConfigurationError, FolderError, load
from mesocosm.record.configuration import check, from_dict, replace_together
from mesocosm.reports.build import trust
from mesocosm.viewer.opening import places
from tests.bacteria import RUN, WORLD

pytestmark = pytest.mark.xdist_group("bacteria")
HARSH = {**WORLD, "metabolism": 60, "founding_energy": 100, "drop_food": 0}


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """Eight small worlds with all that follows a run: assays, findings."""
    folder = tmp_path_factory.mktemp("assays") / "run"
    return mc.run("chemotaxis", **RUN, out=folder)


@pytest.fixture(scope="module")
def extinct(tmp_path_factory):
    """Worlds in which everybody starves."""
    folder = tmp_path_factory.mktemp("assays") / "extinct"
    return mc.run("chemotaxis", world=HARSH, replicates=8, ticks=200, every=50, out=folder)


def test_in_a_garden_nobody_is_born_or_dies_and_what_is_eaten_is_heat(run):
    for name in ("garden-evolved", "garden-shadow", "garden-founders"):
        metrics = run.assays[name].metrics
        assert (metrics["population"] == WORLD["founders"]).all()
        assert (metrics["births"] == 0).all() and (metrics["deaths"] == 0).all() and (metrics["exchanges"] == 0).all()
        assert (metrics["metabolism"] == 0).all() and (metrics["eaten"] == metrics["wasted"]).all()
        assert metrics["eaten"].sum() > 0 and (metrics["residual"] == 0).all()


def test_a_run_made_longer_is_assayed_and_judged_anew(run, tmp_path):
    folder = tmp_path / "longer"
    shutil.copytree(run.folder, folder)
    before = [f.estimate for f in run.findings]
    go_on(folder, 400)
    longer = load(folder)
    assert longer.findings and [f["estimate"] for f in longer.findings] != before
    garden = load(folder / "assays" / "garden-evolved")
    assert garden.header["configuration"]["source"] == longer.digest()


def test_bodies_are_assayed_under_the_law_at_the_end_of_their_run(tmp_path):
    changed = dict(interventions=["100:world.speed=0"], assays=False, replicates=8, ticks=200, every=50)
    run = mc.run("chemotaxis", world=WORLD, out=tmp_path / "run", **changed)
    garden = run.assay(kind="garden", ticks=50)
    assert garden.record.header["configuration"]["resolved"]["world"]["speed"] == 0


def test_the_totals_of_an_assay_fit_into_their_windows(tmp_path):
    rich = {**WORLD, "drop_food": 32767}
    run = mc.run("chemotaxis", world=rich, replicates=8, ticks=10, every=10, assays=False, out=tmp_path / "run")
    with pytest.raises(ConfigurationError, match="every = 20000"):
        run.assay(kind="garden", ticks=20000, every=20000)


def test_gardens_of_one_replicate_share_their_food(run):
    a, b = (run.assays[name].record for name in ("garden-evolved", "garden-founders"))
    assert (a.metrics["inflow"] == b.metrics["inflow"]).all()
    for column in ("tick", "x", "y"):
        np.testing.assert_array_equal(a.frames("sources")[column], b.frames("sources")[column])
    first = [r.frames("bodies") for r in (a, b)]
    assert all((f["tick"].size == 600 * WORLD["founders"]) for f in first)  # one world is filmed, in every tick
    assert len(set(first[0]["replicate"])) == 1


def test_founders_of_the_assay_are_those_of_the_run(run):
    births = run.log("births")
    founders = run.assays["garden-founders"].record.state
    genomes = founders["state.genomes"][:, 0, :, : WORLD["founders"]]
    for replicate in range(8):
        mine = (births["replicate"] == replicate) & (births["parent"] == 0)
        logged = births["genome"][mine][np.argsort(births["id"][mine])][:, 0, :]
        # The log shows genomes at the end of the first tick, when a few may have been exchanged.
        assert (logged == genomes[replicate].T).mean() > 0.9


def test_the_evolved_are_the_living(run):
    state = run.assays["garden-evolved"].record.state
    expected = living(run.record, 0, WORLD["founders"], range(8))
    assert expected.is_there.all()
    np.testing.assert_array_equal(state["state.genomes"][:, 0, :, : WORLD["founders"]], expected.genomes)
    np.testing.assert_array_equal(state["state.genomes"][:, 1, :, : WORLD["founders"]], expected.genomes)


def test_survival_has_no_births_and_only_falls(run):
    record = run.assay(kind="survival", ticks=200).record
    assert (record.metrics["births"] == 0).all()
    curve = analysis.survival(record)
    assert (np.diff(curve, axis=1) <= 0).all() and curve[:, 0].max() <= 1


def test_a_population_cannot_beat_itself(run):
    scores = [
        analysis.selection(
            run.assay(kind="competition", population="founders", against="founders", ticks=200, marks_swapped=s).record
        )
        for s in (False, True)
    ]
    # The same bodies under both assignments: what one mark wins in one, the other wins in the other.
    np.testing.assert_allclose(scores[0], -scores[1], atol=1e-12)
    assert np.abs(scores[0]).max() > 0  # chance alone makes some difference in each world


def test_a_tenth_is_a_tenth(run):
    record = run.assay(kind="competition", against="founders", ticks=50, tenths=1).record
    first = record.log("births")
    assert (first["tick"] == 0).sum() == 8 * WORLD["founders"]
    lineage = record.state["state.world.bodies.lineage"]
    assert set(np.unique(lineage)) <= {0, 1, 2}


def test_a_transplant_changes_the_world_and_nothing_else(run):
    record = run.assay(changes=("world.speed=16",), ticks=50).record
    resolved = record.header["configuration"]["resolved"]
    assert resolved["world"]["speed"] == 16
    assert resolved["world"] | {"speed": 256} == run.record.header["configuration"]["world"]
    with pytest.raises(ConfigurationError, match="sped"):
        run.assay(changes=("world.sped=16",))


def test_changes_are_checked_together_so_that_their_order_does_not_matter(run):
    source = run.record
    world = source.header["configuration"]["world"]
    more = [f"world.{name}={2 * world['division_energy']}" for name in ("founding_energy", "division_energy")]
    both = [
        resolved(AssayConfiguration(of=str(source.folder), changes=changes), source)
        for changes in (tuple(more), tuple(more[::-1]))
    ]
    assert both[0] == both[1] and both[0].world.founding_energy == 2 * world["division_energy"]
    with pytest.raises(ConfigurationError, match="founding_energy"):
        resolved(AssayConfiguration(of=str(source.folder), changes=(more[0],)), source)
    with pytest.raises(ConfigurationError, match="name one of the two"):
        replace_together(both[0], {"world.speed": 3, "world": {"side": 16}})
    with pytest.raises(ConfigurationError, match="name one of the two"):
        replace_together(both[0], {"world": 3, "world.speed": 3})


def test_genotypes_by_hand_do_what_they_say(run):
    record = run.assay(population="genotypes", genotypes=("0.1,0.2,0.5,0.9",), ticks=50).record
    np.testing.assert_allclose(analysis.tumbling(record), np.tile([0.1, 0.2, 0.5, 0.9], (8, 1)), atol=0.02)

    class Mind:
        n_stimuli, n_acts, policy, sharpness = 2, 2, "softmax", TableParameters().sharpness

    assert genes_of("0.5,0.5", Mind()).tolist()[0] == genes_of("0.5,0.5", Mind()).tolist()[1]
    for text in ("0.5", "0.5,nan", "0.5,1.5", "a,b", ""):
        with pytest.raises(ConfigurationError, match="genotypes"):
            genes_of(text, Mind())


def test_an_assay_that_is_there_is_not_run_again(run):
    first = run.assay(ticks=50, population="shadow")
    assert run.assay(ticks=50, population="shadow").folder == first.folder
    assert load(first.folder).header["begun"] == first.record.header["begun"]


def test_bad_assays_are_refused_by_name(run, tmp_path):
    for changes, word in (
        ({"population": "genotypes"}, "genotypes"),
        ({"population": "cured"}, "must be one of evolved, shadow, founders, clones, genotypes"),
        ({"kind": "gardens"}, "kind"),
        ({"changes": ("nonsense",)}, "FIELD=VALUE"),
        ({"replicates": 9}, "replicates = 9"),
        ({"tenths": 0}, "tenths"),
    ):
        with pytest.raises(ConfigurationError, match=word):
            run.assay(**changes)
    with pytest.raises(ConfigurationError, match="of:"):
        check(AssayConfiguration())
    bilinear = mc.run("bilinear", replicates=2, ticks=20, every=10, out=tmp_path / "game")
    with pytest.raises(FolderError, match="no bodies"):
        bilinear.assay()


def test_a_source_that_has_changed_is_refused(run):
    from mesocosm.ecology.assay.system import build

    with pytest.raises(FolderError, match="digest"):
        build(AssayConfiguration(of=str(run.folder), source="0" * 64, replicates=8))


def test_findings_are_stored_with_the_run(run):
    names = [f.name for f in run.findings]
    assert names == ["follows", "sign", "intake", "found", "distance", "selection"]
    assert all(f.declared and f.n_started == 8 for f in run.findings)
    json.dumps([f.to_dict() for f in run.findings], allow_nan=False)


def test_interventions_make_findings_exploratory(tmp_path):
    changed = mc.run(
        "chemotaxis",
        world=WORLD,
        replicates=8,
        ticks=100,
        every=50,
        interventions=("50:world.speed=128",),
        out=tmp_path / "run",
    )
    assert changed.findings and not any(f.declared for f in changed.findings)


def test_extinction_is_a_result(extinct):
    assert all(s.status == "extinct" for s in extinct.statuses)
    assert all(f.verdict == "undecided" and f.n_survived == 0 and f.note for f in extinct.findings if f.n_used == 0)
    page = extinct.report().read_text()
    assert "ended early (extinct)" in page and "NaN" not in page.split("<script")[0]


def test_report_tells_the_finding(run):
    path = run.report()
    page = path.read_text()
    assert path.name == "report.html" and path.stat().st_size < 2_000_000
    assert "alive at the end" in page and "https://" not in page.split("<script")[0].replace("https://www.w3", "")
    assert "median of 8 worlds" in page and "shadow genes, 90\u00a0% of worlds" in page.replace(" %", "\u00a0%")


def test_the_page_names_a_command_that_repeats_the_run(run):
    said = trust(run.record)
    words = shlex.split(said["command"])
    assert words[:3] == ["mesocosm", "run", "chemotaxis"]
    again = configuration_from("chemotaxis", words[3:], None, None)
    assert again == configuration_of(run.record) and said["folder"] == str(folder_of("chemotaxis", again))


def test_the_ledger_of_the_page_balances(run):
    table = population_and_ledger(Told(declaration("chemotaxis"), run.record, {}, [])).figures[1]
    came_in, went_out = (sum(row[k] or 0 for row in table.rows) for k in (1, 2))
    assert table.total[0][1:3] == (came_in, went_out) and came_in == went_out
    assert table.total[1][2] == 0
    begun = 8 * WORLD["founders"] * WORLD["founding_energy"]
    assert table.rows[0][:2] == ("there at the start", begun)


def test_claims_hold_for_the_sense_that_they_speak_of(run):
    def claims(name, *senses):
        declared = declaration(name)
        return declared.claims_under(from_dict(declared.configuration, {"world": {"senses": senses}}))

    for name, senses in (("chemotaxis", ("odour",)), ("chemotaxis", ("energy", "odour")), ("trend", ("trend",))):
        assert claims(name, *senses) == declaration(name).claims
    for name, senses in (("chemotaxis", ("touch",)), ("chemotaxis", ("trend",)), ("trend", ("odour", "trend"))):
        other = claims(name, *senses)
        assert [c.name for c in other] == [c.name for c in declaration(name).claims]
        assert not any(c.declared for c in other) and senses[0] in other[0].sentence
    assert [c.name for c in claims("chemotaxis")] == ["intake", "found", "distance", "selection"]


def test_the_measure_of_trend_has_the_sign_that_is_predicted():
    label, measure = newest(declaration("trend"))
    falls, rises = np.array([800 * 1024]), np.array([200 * 1024])
    row = {
        "population": np.array([1000]),
        "tumble_evolved_0": falls,
        "tumble_evolved_1": falls,
        "tumble_evolved_2": rises,
        **dict.fromkeys(("visits_0", "visits_1", "visits_2"), np.array([1])),
    }
    assert label == "P(tumble), falls less rises" and measure(row) == pytest.approx(0.6)


def test_runs_are_paired_where_they_can_be(run, extinct, tmp_path):
    same = compare(run.record, run.record)
    assert "Paired" in same.pairing and not same.differs
    assert all(f.estimate in (0, 1) for f in same.findings if f.n_used)  # a ratio of 1, a difference of 0
    assert "metabolism" in compare(run.record, extinct.record).differs
    game = mc.run("bilinear", replicates=2, ticks=20, every=10, out=tmp_path / "game")
    with pytest.raises(FolderError, match="only runs of one"):
        compare(run.record, game.record)


def test_lineages_add_up(run):
    who = lives(run.record, 0)
    assert who.id.tolist() == list(range(1, who.id.size + 1))
    n = int(run.metrics["population"][(run.metrics["replicate"] == 0) & (run.metrics["tick"] == 200)][0])
    assert who.alive_at(199).sum() == n
    shares, founders = lineage_shares(who, np.array([0, 199]), most=10**6)
    np.testing.assert_allclose(shares.sum(axis=0), 1)
    lineage = run.record.state["state.world.bodies.lineage"][0]
    ids = run.record.state["state.world.bodies.id"][0]
    by_id = dict(zip(who.id.tolist(), who.founder.tolist(), strict=True))
    assert all(by_id[int(i)] == int(f) for i, f in zip(ids, lineage, strict=True) if i)
    assert set(founders) == set(range(1, WORLD["founders"] + 1))


def test_moving_a_run_moves_its_assays(run, tmp_path):
    import shutil

    moved = tmp_path / "elsewhere"
    shutil.copytree(run.folder, moved)
    again = mc.load(moved).assay("garden-shadow", kind="garden", population="shadow", ticks=600)
    assert again.record.header["begun"] == run.assays["garden-shadow"].record.header["begun"]
    assert replace(AssayConfiguration(), of="a") == replace(AssayConfiguration(), of="b")


def test_all_that_is_compared_is_one_family(run, tmp_path):
    other = mc.run("chemotaxis", world=WORLD, seed=1, replicates=8, ticks=200, every=50, out=tmp_path / "other")
    found = compare(run.record, other.record).findings
    p = [f.p for f in found if f.p is not None]
    assert len(p) > 1 and [f.p_adjusted for f in found if f.p is not None] == benjamini_hochberg(p).tolist()
    assert any(f.p_adjusted != f.p for f in found)


def test_a_run_without_frames_of_its_own_is_watched_by_its_gardens(run):
    shown = places([run.folder])
    assert [place.title for place in shown] == ["founders", "evolved"]
    recordings = [place.world().recording for place in shown]
    assert all(world.ticks.size > 1 and world.points("bodies")["id"].size for world in recordings)
    assert [place.title for place in places([run.folder], replicate=3)] == ["world 3"]
    with pytest.raises(FolderError, match=r"0 \.\.\. 7"):
        places([run.folder], replicate=8)


def test_a_competition_contains_death(run):
    """It lasts twice as long as reserves, and both populations lose bodies in it; a score counts until one is gone."""
    match = run.assays["competition-founders"].record
    assert match.header["ticks"] == analysis.contest_ticks(run.record) == 250  # reserves: 500 quanta, 4 a tick
    assert match.metrics["deaths"].sum() > 8
