"""Worlds, minds and rules as programs of ONNX and StableHLO: equal where they run, refused where they are not ours."""

import base64
import gzip
import json
import os
import re
from dataclasses import replace
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import mesocosm as mc
from mesocosm import artefacts, rules
from mesocosm.artefacts import ArtefactError, Differs, subjects
from mesocosm.artefacts import page as pages
from mesocosm.artefacts.program import digest_of, played
from mesocosm.artefacts.written import as_onnx
from mesocosm.cli.main import main
from mesocosm.core.random import Bits, seed_words
from mesocosm.protocol.launch import prepare
from mesocosm.protocol.registry import declaration
from mesocosm.record import MissingPackage
from mesocosm.record.configuration import from_dict
from tests.acceptance.conftest import chromium

onnx = pytest.importorskip("onnx", reason="needs the extra export")
onnxruntime = pytest.importorskip("onnxruntime", reason="needs the extra export")

# ------------------------------------------------------------------------------------------------------------ worlds


@pytest.fixture(scope="module")
def world():
    """A small world that has run for a while, and its minds."""
    values = {"world": {"side": 32, "founders": 32, "ceiling": 128, "drops": 20}}
    law = prepare("chemotaxis", from_dict(declaration("chemotaxis").configuration, values))[0].experiment
    state = jax.jit(lambda: law.init(Bits.founding(seed_words(3), jnp.uint32(1))))()
    about = {"experiment": "chemotaxis", "seed": 3, "replicate": 1, "tick": 0}
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


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    folder = tmp_path_factory.mktemp("artefacts") / "short"
    return mc.run("bilinear", ticks=40, every=20, replicates=2, out=folder)


def test_an_exported_run_goes_on_as_the_run_would(run, tmp_path):
    """By both languages: forty ticks and fifty more are ninety."""
    longer = mc.run("bilinear", ticks=90, every=10, replicates=2, out=tmp_path / "longer")
    wanted = {k: v[1] for k, v in longer.record.state.items() if k.partition(".")[0] == "state"}
    for language, name in (("onnx", "tick.onnx"), ("stablehlo", "tick.mlir")):
        assert main(["export", str(run.folder), "--to", language, "--replicate", "1", "--quiet"]) == 0
        *_, last = artefacts.load(run.folder / "export" / name).play(50)
        assert wanted and all(np.array_equal(last[f"next.{k}"], v) for k, v in wanted.items())


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
    assert said.startswith("50 ticks are equal" if tick.exact else "1 test vectors")


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


def nobodys(model, told):
    del model.metadata_props[:]


def test_files_that_are_not_ours_are_refused_in_a_sentence(rule_files, tmp_path, capsys):
    whole = rule_files / "predict.onnx"
    for change, said in (
        (another_version, "is of the version 'mesocosm artefact 9', this mesocosm reads 'mesocosm artefact 1'"),
        (another_graph, "is not as it was written"),
        (another_beginning, "is not as it was written"),
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
    ):
        assert main(words) == 2 and said in capsys.readouterr().err


def test_a_replicate_that_is_not_there_is_named(run, capsys):
    assert main(["export", str(run.folder), "--to", "onnx", "--replicate", "7"]) == 2
    assert "replicate 7 has no last state; those that have: 0, 1" in capsys.readouterr().err
