"""Worlds, minds and rules as programs of ONNX and StableHLO: equal where they run, refused where they are not ours."""

import base64
import gzip
import json
import os
import re
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import ClassVar

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest

import mesocosm as mc
import mesocosm.lab
from mesocosm import artefacts, rules
from mesocosm.artefacts import ArtefactError, Differs, subjects
from mesocosm.artefacts import page as pages
from mesocosm.artefacts.program import digest_of, played
from mesocosm.artefacts.written import as_onnx, body_of, sealed
from mesocosm.cli.main import main
from mesocosm.core.random import Bits, seed_words
from mesocosm.heredity.genomes import EXPRESSED
from mesocosm.minds.mind import Draw
from mesocosm.protocol.launch import prepare
from mesocosm.protocol.registry import declaration
from mesocosm.record import FolderError, MissingPackage
from mesocosm.record.configuration import from_dict
from mesocosm.record.folder import unpack
from tests.acceptance.conftest import chromium

onnx = pytest.importorskip("onnx", reason="needs the extra export")
onnxruntime = pytest.importorskip("onnxruntime", reason="needs the extra export")
from mesocosm.artefacts.onnx import elementwise, lowering  # noqa: E402
from mesocosm.artefacts.onnx.graph import NotExpressible  # noqa: E402

# ------------------------------------------------------------------------------------------------------------ worlds


@cache
def world_of(seed):
    """A small world at its founding."""
    values = {"world": {"side": 32, "founders": 32, "ceiling": 128, "drops": 20}}
    law = prepare("chemotaxis", from_dict(declaration("chemotaxis").configuration, values))[0].experiment
    state = jax.jit(lambda: law.init(Bits.founding(seed_words(seed), jnp.uint32(1))))()
    return law, state, {"experiment": "chemotaxis", "seed": seed, "replicate": 1, "tick": 0}


@pytest.fixture(scope="module")
def world():
    """Its tick, its minds, and what is drawn of it."""
    law, state, about = world_of(3)
    tick = subjects.tick_of(law, subjects.roomy(law, state), about)
    return tick, subjects.of_mind(law, state, about), subjects.shown_of(law, state, tick)


@pytest.fixture(scope="module")
def shown(world):
    tick, _, seen = world
    return tick, seen


def written_into(folder, files):
    for name, content in files.items():
        (folder / name).write_bytes(content)
    return folder / next(iter(files))


def test_onnx_runtime_is_a_second_witness(world, tmp_path):
    """A thousand ticks, in which bodies are born and die, are bit for bit those of the law itself."""
    tick, minds, _ = world
    opened = artefacts.load(written_into(tmp_path, as_onnx(tick)))
    assert (
        opened.verify() == f"50 ticks are equal to those that were exported, by ONNX Runtime {onnxruntime.__version__}"
    )
    births = 0
    pairs = zip(played(tick.step, tick.begins, 1000), opened.play(1000), strict=True)
    for k, (ours, theirs) in enumerate(pairs):
        births += int(theirs["flow.births"])
        assert digest_of(ours) == digest_of(theirs), f"tick {k}"
    assert k == 999 and births > 100 and int(theirs["flow.agent_ticks"]) > 0
    for mind in minds:
        assert "8 test vectors are equal" in artefacts.load(written_into(tmp_path, as_onnx(mind))).verify()


def test_a_mind_acts_by_the_genes_that_its_body_expresses(world, tmp_path):
    """One body after the other, straight from the law; nobody who is dead is in the file."""
    law, state, _ = world_of(3)
    state = eqx.tree_at(lambda s: s.world.bodies.id, state, state.world.bodies.id.at[::3].set(0))
    alive = state.world.bodies.alive
    genomes = np.asarray(state.genomes)
    assert not np.array_equal(*genomes[:, : law.mind.n_loci])
    about = {"experiment": "chemotaxis", "seed": 3, "replicate": 1, "tick": 7}
    (act,) = subjects.of_mind(law, state, about)
    n, rng = int(alive.sum()), np.random.default_rng(0)
    stimulus, word = rng.integers(law.mind.n_stimuli, size=n), rng.integers(2**32, size=n, dtype=np.uint32)
    found = artefacts.load(written_into(tmp_path, as_onnx(act))).run({"stimulus": stimulus, "word": word})["act"]
    bits = Bits.at(seed_words(3), jnp.uint32(1), jnp.int32(7))
    for k, place in enumerate(np.flatnonzero(alive)):
        own = jnp.asarray(genomes[EXPRESSED, : law.mind.n_loci, place])
        draw = Draw(bits, state.world.bodies.id[place], jnp.uint32(word[k]))
        assert found[k] == law.mind.act(draw, own, None, jnp.int32(stimulus[k]))[1]


def test_a_mind_learns_from_what_came_after_what():
    """A mind that writes down its experience: before, act, after, whether it died."""

    class Diary:
        n_stimuli, n_acts, doings = 5, 4, ("eaten",)

        def learn(self, genome, brain, lived):
            told = 1000 * lived.seen + 100 * lived.act + 10 * lived.seen_after + lived.doings["eaten"]
            return brain * 0 + jnp.where(lived.is_last, -1, told)

    brain = np.zeros(3, np.int32)
    own = {"brain": brain, "genome": np.zeros((1, 3), np.int8)}
    program = subjects._learning(Diary(), own, jax.tree.structure(brain), {"bodies": 3})
    given = {"before": [1, 2, 3], "act": [0, 1, 2], "now": [4, 3, 0], "felt.eaten": [0, 1, 7]}
    out = program.step(program.begins | {k: np.array(v, np.int32) for k, v in given.items()})
    assert out["next.brain"].tolist() == [1040, 2131, 3207]
    assert program.least == dict.fromkeys(given, 0) and program.most == {"before": 4, "act": 3, "now": 4}


class Candle(mc.lab.Experiment):
    """Burns down, books what is burnt, and ends."""

    exact: ClassVar[bool] = True

    def init(self, bits):
        return jnp.int32(5)

    def tick(self, bits, state):
        return state - 1, mc.lab.Tick(flows={"burnt": jnp.int32(1)})

    def status(self, state):
        return jnp.where(state <= 0, jnp.int32(1), jnp.int32(0))


def test_a_world_that_ends_ends_elsewhere_and_what_it_books_is_looked_at(tmp_path):
    tick = subjects.tick_of(Candle(), jnp.int32(5), {"experiment": "candle", "seed": 0, "replicate": 0, "tick": 0})
    opened = artefacts.load(written_into(tmp_path, as_onnx(tick)))
    played = [(int(out["status"]), int(out["flow.burnt"]), int(out["next.state"])) for out in opened.play(50)]
    assert played == [(0, 1, 4), (0, 1, 3), (0, 1, 2), (0, 1, 1), (1, 1, 0)]
    assert opened.verify().startswith("5 ticks are equal")
    for name in ("status", "flow.burnt", "next.state"):
        other = replace(opened, step=lambda given, name=name: (out := opened.step(given)) | {name: out[name] * 0 - 7})
        with pytest.raises(Differs, match="tick 1 of 5 differs"):
            other.verify()


def test_what_onnx_runtime_computes_otherwise_is_not_written(monkeypatch):
    monkeypatch.setitem(lowering._RULES, "sub", elementwise.plain("add"))
    tick = subjects.tick_of(Candle(), jnp.int32(5), {"experiment": "candle", "seed": 0, "replicate": 0, "tick": 0})
    with pytest.raises(NotExpressible, match=r"tick 1 of 5 differs .* it is not written"):
        as_onnx(tick)
    monkeypatch.setitem(lowering._RULES, "sub", lambda g, values, _: g.each("NoSuch", *values))
    with pytest.raises(NotExpressible, match=r"does not run it .*it is not written"):
        as_onnx(tick)


def test_a_mind_that_learns_takes_its_learning_along(tmp_path):
    """Of the example that wins and stays: who has eaten is not hungry; hunger counts for the others."""
    path = str(Path(__file__).parents[2] / "docs" / "examples" / "win_stay.py")
    values = {"world": {"side": 16, "founders": 5, "ceiling": 32}}
    law = prepare(path, from_dict(declaration(path).configuration, values))[0].experiment
    state = jax.jit(lambda: law.init(Bits.founding(seed_words(1), jnp.uint32(0))))()
    about = {"experiment": "win-stay", "seed": 1, "replicate": 0, "tick": 0}
    act, learn = (
        artefacts.load(written_into(tmp_path, as_onnx(program))) for program in subjects.of_mind(law, state, about)
    )
    assert "are equal" in act.verify() and "are equal" in learn.verify()
    out = learn.run({"felt.eaten": [3, 0, 1, 0, 0], "genome": np.full((1, 5), 100)})
    assert out["next.brain.hungry"].tolist() == [0, 1, 0, 1, 1]
    acts = act.run({name.removeprefix("next."): value for name, value in out.items()})["act"]
    assert acts.tolist() == out["next.brain.act"].tolist()


CHANGE = "20:rate=64"


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    folder = tmp_path_factory.mktemp("artefacts") / "short"
    return mc.run("bilinear", ticks=40, every=20, replicates=2, interventions=(CHANGE,), out=folder)


def test_an_exported_run_goes_on_as_the_run_would(run, tmp_path):
    """By both languages: forty ticks and fifty more are ninety."""
    changed = {"interventions": (CHANGE,)}
    longer = mc.run("bilinear", ticks=90, every=10, replicates=2, out=tmp_path / "longer", **changed)
    wanted = {k: v[1] for k, v in longer.record.state.items() if k.partition(".")[0] == "state"}
    for language, name in (("onnx", "tick.onnx"), ("stablehlo", "tick.mlir")):
        assert main(["export", str(run.folder), "--to", language, "--replicate", "1", "--quiet"]) == 0
        *_, last = artefacts.load(run.folder / "export" / name).play(50)
        assert wanted and all(np.array_equal(last[f"next.{k}"], v) for k, v in wanted.items())


class Ended:
    """A record in which the first of two replicates has ended, so that it has no last state."""

    status = "finished"

    def __init__(self, record):
        self._record, self.state = record, {k: np.asarray(v)[1:] if np.ndim(v) else v for k, v in record.state.items()}

    def __getattr__(self, name):
        return getattr(self._record, name)


def test_the_world_is_that_of_the_replicate_and_of_a_run_that_is_finished(run):
    record = Ended(run.record)
    _, state, about = subjects.last_world(record, 1)
    (wanted,) = jax.tree.leaves(subjects.last_world(run.record, 1)[1])[:1]
    assert np.array_equal(jax.tree.leaves(state)[0], wanted) and about["replicate"] == 1
    with pytest.raises(FolderError, match="replicate 0 has no last state; those that have: 1"):
        subjects.last_world(record, 0)
    record.status = "running"
    with pytest.raises(FolderError, match="is running; finish it first, `mesocosm resume`"):
        subjects.last_world(record, 1)


def test_stablehlo_is_text_that_this_jax_reads(run, capsys):
    assert main(["export", str(run.folder), "--to", "stablehlo", "--quiet"]) == 0
    capsys.readouterr()
    text = run.folder / "export" / "tick.mlir"
    assert main(["check", str(text)]) == 0
    assert capsys.readouterr().out == f"50 ticks are equal to those that were exported, by jax {jax.__version__}\n"
    assert text.read_text().startswith("module @") and "stablehlo." in text.read_text()
    other = text.with_name("other.mlir")
    other.write_text(text.read_text().replace("stablehlo.add", "stablehlo.subtract", 1))
    for ending in (".npz", ".json"):
        other.with_suffix(ending).write_bytes(text.with_suffix(ending).read_bytes())
    with pytest.raises(ArtefactError, match=r"other\.json: is not as it was written"):
        artefacts.load(other)


def runtime_of(folder):
    """A folder with the names of ONNX Runtime Web, and nothing that runs."""
    (folder / "dist").mkdir()
    for name in ("ort.wasm.bundle.min.mjs", "ort-wasm-simd-threaded.wasm"):
        (folder / "dist" / name).write_bytes(b"nothing")
    return folder


def held_in(page, part):
    """What a page holds, unpacked."""
    (text,) = re.findall(rf'<script type="text/plain" id="{part}">(.*?)</script>', page)
    return gzip.decompress(base64.b64decode(text))


def test_a_page_holds_a_world_and_all_that_runs_it(shown, tmp_path):
    tick, seen = shown
    (content,) = pages.page(tick, seen, runtime_of(tmp_path)).values()
    page = content.decode()
    assert "@" not in re.sub(r"<script.*?</script>", "", page, flags=re.DOTALL).replace("@media", "")
    assert "http:" not in page and "https:" not in page and "src=" not in page
    assert held_in(page, "wasm") == held_in(page, "runtime") == b"nothing"
    told = json.loads(re.findall(r'id="manifest">(.*?)</script>', page)[0])
    assert len(told["digests"]) == 50 and told["about"]["shown"]["points"] == "scene.bodies"
    session = onnxruntime.InferenceSession(held_in(page, "model"), providers=["CPUExecutionProvider"])
    begins = json.loads(held_in(page, "begins"))
    given = {k: np.frombuffer(base64.b64decode(b), t).reshape(d) for k, (t, d, b) in begins.items()}
    names = [o.name for o in session.get_outputs()]
    out = dict(zip(names, session.run(names, given), strict=True))
    assert digest_of(out) == told["digests"][0] and out["scene.food"].ndim == 2
    assert np.array_equal(out["scene.bodies.alive"], out["next.state.world.bodies.id"] > 0)


def test_a_page_without_a_runtime_says_where_one_is(shown, run, tmp_path, capsys):
    with pytest.raises(ArtefactError, match=r"has no ort\.wasm\.bundle\.min\.mjs; `npm pack onnxruntime-web`"):
        pages.page(*shown, tmp_path)
    assert main(["export", str(run.folder), "--to", "browser"]) == 2
    assert "--runtime: name the folder" in capsys.readouterr().err
    assert main(["export", str(run.folder), "--to", "browser", "--runtime", str(tmp_path)]) == 2
    assert "draws points in one bounded space" in capsys.readouterr().err


@pytest.mark.slow
def test_a_browser_is_a_third_witness(shown, tmp_path):
    """In Chromium, without a server; MESOCOSM_ORT_WEB names the unpacked npm package onnxruntime-web."""
    runtime = os.environ.get("MESOCOSM_ORT_WEB")
    if not runtime:
        pytest.skip("MESOCOSM_ORT_WEB does not name the npm package onnxruntime-web")
    api = pytest.importorskip("playwright.sync_api")
    path = written_into(tmp_path, pages.page(*shown, Path(runtime)))
    with api.sync_playwright() as playwright:
        page = playwright.chromium.launch(executable_path=chromium(), args=["--no-sandbox"]).new_page()
        asked = []
        page.on("request", lambda request: asked.append(request.url))
        page.goto(path.as_uri())
        page.wait_for_selector("#go:enabled", timeout=60_000)
        assert page.inner_text("#verdict").startswith("50 ticks are equal to those that were exported, by ONNX Runtime")
        page.click("#go")
        page.wait_for_function("/tick [1-9][0-9][0-9]/.test(document.getElementById('numbers').textContent)")
        assert all(url.startswith(("file:", "blob:", "data:")) for url in asked)


EXACT = ("arrow-of-time", "bilinear", "rewards", "signalling", "soup", "symbiont", "trend")
FLOATS = ("game", "gan", "lorenz")


@pytest.mark.slow
@pytest.mark.parametrize("name", [*EXACT, *FLOATS])
def test_the_worlds_that_the_page_names_run_in_onnx_runtime(name, tmp_path):
    law = prepare(name, from_dict(declaration(name).configuration, {}))[0].experiment
    state = subjects.roomy(law, jax.jit(lambda: law.init(Bits.founding(seed_words(5), jnp.uint32(0))))())
    tick = subjects.tick_of(law, state, {"experiment": name, "seed": 5, "replicate": 0, "tick": 0})
    assert tick.exact == (name in EXACT)
    said = artefacts.load(written_into(tmp_path, as_onnx(tick))).verify()
    assert said.startswith("50 ticks are equal" if tick.exact else "8 test vectors")


# ------------------------------------------------------------------------------------------------------------- rules


@pytest.fixture(scope="module")
def rule_files(tmp_path_factory):
    folder = tmp_path_factory.mktemp("rule")
    words = ["export", "lstm-0", "--to", "onnx", "--inputs", "9", "--classes", "3", "--hidden", "4", "--out"]
    assert main([*words, str(folder), "--quiet"]) == 0
    return folder


def test_a_rule_learns_elsewhere_as_it_does_here(rule_files):
    rng = np.random.default_rng(0)
    x, y = (5 + 40 * rng.normal(size=(6, 9))).astype(np.float32), np.arange(6) % 3
    x[4] = 2.5  # a constant example
    here = rules.load("lstm-0", classes=3, hidden=(4,)).learn(x[:5], y[:5])
    learn, predict = (artefacts.load(rule_files / f"{name}.onnx") for name in ("learn", "predict"))
    state = {}
    for one, label in zip(x[:5], y[:5], strict=True):
        out = learn.run({"x": one, "y": label, **state})
        state = {k.removeprefix("next."): v for k, v in out.items() if k.startswith("next.")}
    found = predict.run({"x": x[5], **state})
    wanted = here.logits(x[5:])[0]
    # A step agrees to 2e-6 (its test vectors); what is learnt from it grows the rounding, of two programs of jax too.
    assert np.abs(found["logits"] - wanted).max() <= 5e-5
    assert found["class"] == wanted.argmax()
    assert "8 test vectors" in learn.verify() and "8 test vectors" in predict.verify()


# ------------------------------------------------------------------------------------------------------------ faults


def changed(path, target, change):
    """A model with another entry in its metadata, or another graph."""
    model = onnx.ModelProto.FromString(path.read_bytes())
    change(model, {entry.key: entry for entry in model.metadata_props})
    target.write_bytes(model.SerializeToString())
    return target


def another_version(model, told):
    told["mesocosm"].value = told["mesocosm"].value.replace("mesocosm artefact 1", "mesocosm artefact 9")


def another_graph(model, told):
    next(node for node in model.graph.node if node.op_type == "Add").op_type = "Sub"


def another_beginning(model, told):
    model.graph.initializer[-1].raw_data = b"\1" * len(model.graph.initializer[-1].raw_data)


def another_operator_set(model, told):
    model.opset_import[0].version = 21


def another_word(model, told):
    model.doc_string = "as good as new"


def more_words(model, told):
    entry = model.metadata_props.add()
    entry.key, entry.value = "author", "somebody"


def a_function(model, told):
    model.functions.add().name = "own"


def another_domain(model, told):
    model.opset_import.add().domain = "com.microsoft"


def numbers_elsewhere(model, told):
    tensor = model.graph.initializer[-1]
    entry = tensor.external_data.add()
    entry.key, entry.value = "location", "../../../etc/hostname"
    tensor.data_location = 1


def nobodys(model, told):
    del model.metadata_props[:]


CHANGES = (
    another_beginning,
    another_operator_set,
    another_word,
    more_words,
    a_function,
    another_domain,
    numbers_elsewhere,
)


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("digests", None, "digests = missing: must be a list of at most 10000 SHA-256"),
        ("digests", 5, "digests = 5: must be a list"),
        ("outputs", None, "outputs = missing: must be a list of different names"),
        ("outputs", [], r"outputs = \[\]: must be a list of different names"),
        ("outputs", ["zzz"], "its test vectors are not those of its inputs and outputs"),
        ("least", None, "least = missing: must be a table of numbers"),
        ("tolerance", 1e9, r"tolerance = 1000000000\.0: must be a number in 0 \.\.\. 0\.1"),
        ("tolerance", float("nan"), "tolerance = nan: must be a number"),
        ("inputs", {"x": 3}, r"inputs = .*: must be a table of inputs"),
        ("inputs", {}, r"inputs = \{\}: must be a table of inputs"),
        ("kind", "soul", "kind = 'soul': must be tick, act, learn or predict"),
    ],
)
def test_a_checksum_is_no_signature(rule_files, tmp_path, name, value, said):
    """Whoever changes a manifest can seal it again: each field is looked at all the same."""

    def resealed(model, told):
        manifest = json.loads(told["mesocosm"].value)
        manifest = {k: v for k, v in manifest.items() if k != name} | ({} if value is None else {name: value})
        arrays = unpack(base64.b64decode(told["mesocosm.vectors"].value), tmp_path)
        names = json.loads(told["mesocosm"].value)["inputs"]
        bare = onnx.ModelProto.FromString(model.SerializeToString())
        del bare.metadata_props[:]
        initial = [t for t in bare.graph.initializer if t.name in names]
        arrays |= {f"begins.{t.name}": onnx.numpy_helper.to_array(t) for t in initial}
        del bare.graph.initializer[len(bare.graph.initializer) - len(initial) :]
        manifest["sha256"] = sealed(manifest, body_of(bare), arrays)
        told["mesocosm"].value = json.dumps(manifest)

    with pytest.raises(ArtefactError, match=said):
        artefacts.load(changed(rule_files / "predict.onnx", tmp_path / "other.onnx", resealed))


def test_files_that_are_not_ours_are_refused_in_a_sentence(rule_files, tmp_path, capsys):
    whole = rule_files / "predict.onnx"
    for change, said in (
        (another_version, "is of the version 'mesocosm artefact 9', this mesocosm reads 'mesocosm artefact 1'"),
        (another_graph, "is not as it was written"),
        *((change, "is not as it was written") for change in CHANGES),
        (nobodys, "is an ONNX model, but none that mesocosm exported"),
    ):
        with pytest.raises(ArtefactError, match=said):
            artefacts.load(changed(whole, tmp_path / "other.onnx", change))
    (tmp_path / "torn.onnx").write_bytes(whole.read_bytes()[:-2000])
    (tmp_path / "words.mlir").write_text("module")
    for name, said in (
        ("torn.onnx", "torn.onnx: is"),
        ("none.onnx", "there is no such file"),
        ("words.mlir", "words.json: cannot be read"),
        ("words.txt", "is neither .onnx nor .mlir"),
    ):
        with pytest.raises(ArtefactError, match=said):
            artefacts.load(tmp_path / name)
    assert main(["check", str(tmp_path / "torn.onnx")]) == 2
    assert "Traceback" not in capsys.readouterr().err


def test_what_a_program_is_given_is_checked(rule_files):
    predict = artefacts.load(rule_files / "predict.onnx")
    for given, said in (
        ({"x": np.zeros(4)}, r"x: has the shape \(4,\); predict.onnx takes \(9,\)"),
        ({"x": ["a"] * 9}, "x: holds <U1; predict.onnx takes float32"),
        ({"x": np.full(9, np.nan)}, "x: holds numbers that are not finite"),
        ({"z": 1}, "z: predict.onnx has no such input; it has x, "),
    ):
        with pytest.raises(ArtefactError, match=said):
            predict.run(given)
    learn = artefacts.load(rule_files / "learn.onnx")
    with pytest.raises(ArtefactError, match="y: holds numbers that are no int32"):
        learn.run({"y": 2**40})
    for y in (-1, 3, 77):
        with pytest.raises(ArtefactError, match=rf"y = {y}: must be 0 \.\.\. 2"):
            learn.run({"y": y})
    with pytest.raises(ArtefactError, match=r"x: is no array; predict\.onnx takes float32 \(9,\)"):
        predict.run({"x": [[1, 2], [3]]})


def test_a_class_is_judged_by_its_own_logits(rule_files):
    """Where rounding decides between logits, another class than was found is as good; one beside its logits is not."""
    opened = artefacts.load(rule_files / "predict.onnx")
    other = replace(opened, vectors=opened.vectors | {"found.class": (opened.vectors["found.class"] + 1) % 3})
    assert other.verify() == opened.verify()
    beside = replace(opened, step=lambda given: (out := opened.step(given)) | {"class": (out["class"] + 1) % 3})
    with pytest.raises(Differs, match="class of test vector 0 differs by inf"):
        beside.verify()


@pytest.mark.slow
@pytest.mark.parametrize("name", rules.shipped())
def test_the_command_of_the_page_holds_for_every_shipped_rule(name, tmp_path, capsys):
    words = ["export", name, "--to", "onnx", "--inputs", "64", "--out", str(tmp_path), "--quiet"]
    assert main(words) == 0 or main([*words, "--hidden", "8"]) == 0, capsys.readouterr().err
    for path in sorted(tmp_path.glob("*.onnx")):
        assert main(["check", str(path)]) == 0


def test_a_program_that_gives_something_else_is_told(rule_files, capsys, monkeypatch):
    opened = artefacts.load(rule_files / "predict.onnx")
    broken = replace(opened, step=lambda given: {k: v + 1 for k, v in opened.step(given).items()})
    with pytest.raises(Differs, match="logits of test vector 0 differs by"):
        broken.verify()
    monkeypatch.setattr("mesocosm.artefacts.load", lambda path: broken)
    assert main(["check", str(rule_files / "predict.onnx"), "--json"]) == 1
    (told,) = json.loads(capsys.readouterr().out)["components"]
    assert not told["ok"] and "differs by" in told["faults"][0]["what"]


def test_missing_and_old_packages_are_named(monkeypatch, rule_files, capsys):
    with monkeypatch.context() as patch:
        patch.setattr("importlib.util.find_spec", lambda name: None)
        with pytest.raises(MissingPackage, match=r"needs the package onnx.*mesocosm\[export\].*--to stablehlo does"):
            artefacts.require_onnx("--to onnx")
    monkeypatch.setattr(onnxruntime, "__version__", "1.30.0")
    with pytest.raises(ArtefactError, match=r"needs onnxruntime 1\.31 or newer, here is 1\.30\.0: pip install 'onnxr"):
        artefacts.load(rule_files / "predict.onnx")
    monkeypatch.undo()
    for words, said in (
        (["export", "lstm-0", "--to", "onnx"], "--inputs: say how many numbers"),
        (["export", "lstm-0", "--to", "onnx", "--inputs", "0"], "inputs = 0: must be 1"),
        (["export", "nothing", "--to", "stablehlo", "--inputs", "4"], "nothing: is neither a file"),
        (["export", "lstm-0", "--to", "onnx", "--inputs", "9", "--replicate", "1"], "--replicate: is of a world"),
        (["export", "lstm-0", "--to", "onnx", "--inputs", "99", "--hidden", "1000000"], "109000000 connections: must"),
    ):
        assert main(words) == 2 and said in capsys.readouterr().err


def test_a_replicate_that_is_not_there_is_named(run, capsys):
    assert main(["export", str(run.folder), "--to", "onnx", "--replicate", "7"]) == 2
    assert "replicate 7 has no last state; those that have: 0, 1" in capsys.readouterr().err
