"""Rules as programs of ONNX: they learn elsewhere as here; and files that are damaged or of another version."""

import base64
import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

import mesocosm as mc
from mesocosm import artefacts, rules
from mesocosm.artefacts import ArtefactError, Differs
from mesocosm.artefacts.written import body_of, sealed
from mesocosm.cli.main import main
from mesocosm.record import MissingPackage
from mesocosm.record.folder import unpack
from mesocosm.rules import handwritten
from mesocosm.rules.form import RuleForm
from mesocosm.rules.rule import Rule, build_net

onnx = pytest.importorskip("onnx", reason="needs the extra export")
onnxruntime = pytest.importorskip("onnxruntime", reason="needs the extra export")

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


@pytest.fixture(scope="module", params=["numbers", "order"])
def other_rule(request, tmp_path_factory):
    """A rule that answers numbers, two of them, or puts things in order: its output, file, and folder of programs."""
    folder = tmp_path_factory.mktemp(request.param)
    form = RuleForm("bilinear", messages=1, memory=2, normalise=False, output=request.param)
    Rule(form, handwritten.delta(build_net(form, (5, 1)), 0.4)).save(folder / "mine.json")
    words = ["export", str(folder / "mine.json"), "--to", "onnx", "--inputs", "5", "--out", str(folder), "--quiet"]
    assert main([*words, *(["--outputs", "2"] if request.param == "numbers" else [])]) == 0
    return request.param, folder / "mine.json", folder


def test_rules_that_answer_numbers_or_orders_learn_elsewhere_too(other_rule):
    output, file, folder = other_rule
    rng = np.random.default_rng(0)
    x = (5 + 40 * rng.normal(size=(6, 2, 5))).astype(np.float32)
    y = rng.normal(size=(6, 2)) if output == "numbers" else rng.integers(0, 3, (6, 1)) / 2
    x = x[:, 0] if output == "numbers" else x
    here = rules.load(file).learn(x, y)
    learn, predict = (artefacts.load(folder / f"{name}.onnx") for name in ("learn", "predict"))
    state = {}
    for one, told in zip(x, y.astype(np.float32), strict=True):
        out = learn.run({"x": one, "y": told, **state})
        state = {k.removeprefix("next."): v for k, v in out.items() if k.startswith("next.")}
    asked = rng.normal(size=5).astype(np.float32)
    (answer,) = predict.run({"x": asked, **state}).values()
    assert np.abs(answer - here.logits(asked[None])[0]).max() <= 2e-5 and np.abs(answer).max() > 0.01
    assert learn.manifest["about"]["output"] == output and "8 test vectors" in learn.verify()


def test_sizes_of_what_is_answered_are_checked(other_rule, capsys):
    output, file, _ = other_rule
    words = ["export", str(file), "--to", "stablehlo", "--inputs", "5"]
    assert main([*words, "--classes", "3"]) == 2
    assert f"--classes 3: the rule {file} answers {output}; leave it out" in capsys.readouterr().err
    assert main([*words, "--outputs", "0"]) == 2
    said = {"numbers": "outputs = 0: must be 1", "order": "outputs = 0: are of a rule that answers numbers; this one"}
    assert said[output] in capsys.readouterr().err


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


def test_what_is_neither_run_nor_rule_is_told_of_both(capsys):
    assert main(["export", "nope", "--to", "stablehlo", "--inputs", "4"]) == 2
    said = capsys.readouterr().err
    assert "nope: is neither a file" in said and "nor is it a run: `mesocosm list` shows runs" in said


def test_a_run_has_no_inputs_and_says_where_it_has_no_act(tmp_path, capsys):
    """Of a world that is no ecology the tick alone is written."""
    path = str(Path(__file__).parents[2] / "docs" / "examples" / "moran.py")
    folder = mc.run(path, ticks=4, every=2, replicates=4, out=tmp_path / "short").folder
    assert main(["export", str(folder), "--to", "stablehlo", "--inputs", "0"]) == 2
    assert "--inputs: is of a rule, and " in capsys.readouterr().err
    assert main(["export", str(folder), "--to", "stablehlo", "--quiet"]) == 0
    told = capsys.readouterr()
    assert "note: no act of its bodies is written: minds of moran are not told from its world" in told.err
    assert "tick.mlir" in told.out and "act" not in told.out
