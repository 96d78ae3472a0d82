"""Worlds and minds as programs of ONNX and StableHLO: equal where they run."""

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
from mesocosm import artefacts
from mesocosm.artefacts import ArtefactError, Differs, subjects
from mesocosm.artefacts import page as pages
from mesocosm.artefacts.program import digest_of, played
from mesocosm.artefacts.written import as_onnx
from mesocosm.cli.main import main
from mesocosm.core.random import Bits, seed_words
from mesocosm.heredity.genomes import EXPRESSED
from mesocosm.minds.mind import Draw
from mesocosm.protocol.launch import prepare
from mesocosm.protocol.registry import declaration
from mesocosm.record import FolderError
from mesocosm.record.configuration import from_dict
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


def test_a_replicate_that_is_not_there_is_named(run, capsys):
    assert main(["export", str(run.folder), "--to", "onnx", "--replicate", "7"]) == 2
    assert "replicate 7 has no last state; those that have: 0, 1" in capsys.readouterr().err
