"""Every value that is not permitted is refused by name, value and what is allowed, before anything is built."""

import dataclasses
import math
import typing
from dataclasses import dataclass
from pathlib import Path

import pytest

from mesocosm.experiments.bilinear.declaration import BilinearConfiguration
from mesocosm.experiments.chemotaxis.declaration import ChemotaxisConfiguration
from mesocosm.experiments.lorenz.declaration import LorenzConfiguration
from mesocosm.protocol.launch import prepare, start
from mesocosm.record import ConfigurationError, Intervention
from mesocosm.record.configuration import Range, check, digest, from_dict, from_toml, to_dict
from tests.acceptance.test_command_line import mesocosm

CONFIGURATIONS = (ChemotaxisConfiguration, BilinearConfiguration, LorenzConfiguration)


@dataclass(frozen=True)
class Leaf:
    """A field that holds a plain value: where it is, its type, and what is permitted."""

    cls: type
    path: str
    hint: typing.Any
    permitted: Range | None

    def __str__(self) -> str:
        return f"{self.cls.__name__.removesuffix('Configuration')}.{self.path}"

    @property
    def name(self) -> str:
        return self.path.rsplit(".", 1)[-1]

    @property
    def is_number(self) -> bool:
        return self.hint in (int, float)

    def holding(self, value: typing.Any) -> str:
        """The default configuration as TOML, but for this value."""
        values = to_dict(self.cls())
        table = values
        for key in self.path.split(".")[:-1]:
            table = table[key]
        assert self.name in table
        table[self.name] = value
        lines: dict[str, list[str]] = {"": []}
        for key, entry in values.items():
            if isinstance(entry, dict):
                lines[f"[{key}]"] = [f"{k} = {toml(v)}" for k, v in entry.items()]
            else:
                lines[""].append(f"{key} = {toml(entry)}")
        return "\n".join("\n".join([head, *body]) for head, body in lines.items())


def toml(value: typing.Any) -> str:
    if isinstance(value, (list, tuple)):
        return "[" + ", ".join(map(toml, value)) + "]"
    return str(value).lower() if isinstance(value, bool) else repr(value)


def leaves(cls: type, root: type | None = None, prefix: str = "") -> list[Leaf]:
    out = []
    for name, hint in typing.get_type_hints(cls, include_extras=True).items():
        permitted = None
        if typing.get_origin(hint) is typing.Annotated:
            hint, *marks = typing.get_args(hint)
            permitted = next(m for m in marks if isinstance(m, Range))
        if dataclasses.is_dataclass(hint):
            out += leaves(hint, root or cls, f"{prefix}{name}.")
        else:
            out.append(Leaf(root or cls, f"{prefix}{name}", hint, permitted))
    return out


LEAVES = [leaf for cls in CONFIGURATIONS for leaf in leaves(cls)]
NUMBERS = [leaf for leaf in LEAVES if leaf.is_number]


def refusal(cls: type, text: str) -> str:
    """Why a configuration in TOML is refused."""
    with pytest.raises(ConfigurationError) as refused:
        check(from_toml(cls, text, "my.toml", cls()))
    assert refused.value.exit_code == 2
    return str(refused.value)


def test_every_number_has_a_range():
    assert all(leaf.permitted is not None for leaf in NUMBERS)
    assert {leaf.path for leaf in NUMBERS} >= {"seed", "world.side", "mind.sharpness", "heredity.mutation_probability"}


@pytest.mark.parametrize("end", ["low", "high"])
@pytest.mark.parametrize("leaf", NUMBERS, ids=str)
def test_a_number_beyond_its_range_is_refused(leaf, end):
    low, high = leaf.permitted.low, leaf.permitted.high
    if leaf.hint is int:
        beyond = low - 1 if end == "low" else high + 1
    else:
        beyond = math.nextafter(low, -math.inf) if end == "low" else math.nextafter(high, math.inf)
    said = refusal(leaf.cls, leaf.holding(beyond))
    assert said.startswith(f"{leaf.path} = {beyond!r}: must be in ") and str(leaf.permitted) in said


@pytest.mark.parametrize("leaf", [leaf for leaf in LEAVES if leaf.permitted and not leaf.is_number], ids=str)
@pytest.mark.parametrize("place", [0, 1, 2])
def test_a_number_in_a_list_beyond_its_range_is_refused(leaf, place):
    for beyond in (leaf.permitted.low - 1, leaf.permitted.high + 1):
        values = [4, 32, 256]
        values[place] = beyond
        said = refusal(leaf.cls, leaf.holding(values))
        assert said.startswith(f"{leaf.path} = {tuple(values)}: must be in {leaf.permitted}")


WRONG = {
    int: ["a", 1.0, math.inf, True, [1], []],
    float: ["a", math.nan, math.inf, -math.inf, True, [0.5]],
    bool: ["true", 0, 1, 1.0, []],
}
WRONG_LISTS = [1, "odour", True, [True], [[1, 2, 3]], [1.5, 2, 3]]


@pytest.mark.parametrize("leaf", LEAVES, ids=str)
def test_a_value_of_the_wrong_type_is_refused(leaf):
    if leaf.hint in WRONG:
        wrong = WRONG[leaf.hint]
    else:
        wrong = WRONG_LISTS if typing.get_origin(leaf.hint) is tuple else [1, True, 1.5, "", "sometimes", []]
    for value in wrong:
        said = refusal(leaf.cls, leaf.holding(value))
        assert said.startswith(f"{leaf.path} = ") and "must be " in said


@pytest.mark.parametrize("leaf", NUMBERS, ids=str)
def test_a_table_in_place_of_a_number_is_refused(leaf):
    assert refusal(leaf.cls, f"[{leaf.path}]\nvalue = 1").removeprefix("my.toml: ").startswith(f"{leaf.path} = ")


@pytest.mark.parametrize("value", ["3", "[]", "'world'", "true"])
@pytest.mark.parametrize("table", ["world", "mind", "heredity"])
def test_a_plain_value_in_place_of_a_table_is_refused(table, value):
    said = refusal(ChemotaxisConfiguration, f"{table} = {value}")
    assert said.startswith(f"my.toml: {table} = ") and "must be a table" in said


@pytest.mark.parametrize("value", ["1" + "0" * 400, "-1" + "0" * 400, "1" + "0" * 5000, "1e400", "0x" + "f" * 5000])
@pytest.mark.parametrize("field", ["world.side", "world.jump_probability", "seed"])
def test_a_number_beyond_all_measure_is_refused(field, value):
    refusal(ChemotaxisConfiguration, f"{field} = {value}")


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("sed = 1", "sed: there is no such field. Did you mean seed?"),
        ("[world]\nspede = 1", "world.spede: there is no such field. Did you mean world.speed?"),
        ("[mind]\nsharpnes = 1", "Did you mean mind.sharpness?"),
        ("world.jump-probability = 0.1", "Did you mean world.jump_probability?"),
        ("[heredity]\nqqq = 1", "Known here: mutation_probability, exchange_probability"),
        ("[wrold]\nside = 8", "Did you mean world?"),
        ("'' = 1", "there is no such field"),
    ],
)
def test_an_unknown_field_is_refused_offering_the_nearest(text, says):
    assert says in refusal(ChemotaxisConfiguration, text)


CONTRADICTIONS = {
    "[world]\nfounders = 5000": ("world.founders = 5000", "ceiling = 4096"),
    "[world]\nside = 96": ("world.side = 96", "power of two"),
    "ticks = 150": ("ticks = 150", "every = 100", "200"),
    "every = 5000": ("ticks = 4000", "every = 5000"),
    "[world]\nfounding_energy = 4001": ("world.founding_energy = 4001", "division_energy = 4000"),
    '[world]\nsenses = ["signal"]': ("world.senses", "signal = true"),
    '[world]\nsenses = ["odour", "odour"]': ("world.senses", "twice"),
    "[world]\nodour_levels = [4, 300, 256]": ("world.odour_levels = (4, 300, 256)", "ascend"),
    "[world]\nsignal_levels = [5, 4, 256]": ("world.signal_levels = (5, 4, 256)", "ascend"),
    "[world]\nside = 1024\ncell_capacity = 2048": ("side^2 * cell_capacity = 2147483648", "2^31", "lower"),
    "[world]\nceiling = 4096\ndivision_energy = 524288": ("ceiling * division_energy = 2147483648", "2^31", "lower"),
    "[world]\nceiling = 65536\nemission_quanta = 16384": ("ceiling * emission_quanta = 1073741824", "2^30", "lower"),
    "every = 8192\nticks = 8192\n[world]\nbite = 64\nceiling = 4096": ("every = 8192", "2147483648", "int32"),
    "every = 8000\nticks = 8000\n[world]\nn_sources = 16\ndrops = 256": ("every = 8000", "int32"),
}


@pytest.mark.parametrize("text", CONTRADICTIONS)
def test_a_contradiction_is_refused_naming_both_sides(text):
    said = refusal(ChemotaxisConfiguration, text)
    assert all(part in said for part in CONTRADICTIONS[text]), said


@pytest.mark.parametrize(
    "text",
    [
        "[world]\nside = 1024\ncell_capacity = 2047",
        "[world]\nceiling = 4096\ndivision_energy = 524287",
        "[world]\nceiling = 65535\nemission_quanta = 16384\nbite = 1\nmetabolism = 1",
        "every = 8191\nticks = 8191\n[world]\nbite = 64\nceiling = 4096",
        "[world]\nfounders = 4096",
        "[world]\nodour_levels = [4, 4, 4]",
        '[world]\nsenses = ["odour", "trend", "touch", "signal", "energy"]\nsignal = true',
    ],
)
def test_what_just_does_not_overflow_is_allowed(text):
    check(from_toml(ChemotaxisConfiguration, text, "my.toml", ChemotaxisConfiguration()))


NOT_INTERVENTIONS = ["", "10", "10:", "10:world.speed", "world.speed=3", "x:world.speed=3", "1.5:world.speed=3"]
NOT_INTERVENTIONS += ["10:world.speed=", "10:world.speed=fast", "10:world.speed=[1", ":=", "10:world.speed=1\nx=2"]
NOT_INTERVENTIONS += ["10:rate=" + "[" * 5000, "1" + "0" * 5000 + ":rate=1"]


@pytest.mark.parametrize("text", NOT_INTERVENTIONS, ids=lambda text: repr(text[:24]))
def test_what_is_no_intervention_is_refused_showing_how_to_write_one(text):
    with pytest.raises(ConfigurationError, match="write TICK:FIELD=VALUE"):
        Intervention.parse(text)


SHORT = from_dict(
    ChemotaxisConfiguration,
    {"replicates": 2, "ticks": 40, "every": 20, "world": {"side": 16, "founders": 32, "ceiling": 64}},
)


def refused_interventions(folder: Path, *texts: str) -> str:
    """Why a run with these interventions is refused; nothing is written."""
    with pytest.raises(ConfigurationError) as refused:
        start("chemotaxis", dataclasses.replace(SHORT, interventions=texts), folder)
    assert not folder.exists()
    return str(refused.value)


@pytest.mark.parametrize(
    ("texts", "says"),
    [
        (["10:world.spede=3"], "Did you mean world.speed?"),
        (["10:spede.x=3"], "spede"),
        (["10:=3"], "there is no such field"),
        (["10:world.speed.x=3"], "world.speed"),
        (["10:world.speed=2000"], "world.speed = 2000: must be in 0 ... 1024"),
        (["10:world.speed=0.5"], "world.speed = 0.5: must be a whole number"),
        (["10:world.jump_probability=nan"], "finite"),
        (["10:world=3"], "world = 3: must be a table"),
        (["10:world.speed=1", "9:world.speed=2"], "in order"),
        (["4000:world.speed=1"], "0 ... 39"),
        (["-1:world.speed=1"], "0 ... 39"),
        (["10:world.founding_energy=5000"], "division_energy"),
    ],
)
def test_an_intervention_that_cannot_be_is_refused(tmp_path, texts, says):
    assert says in refused_interventions(tmp_path / "dish", *texts)


@pytest.mark.parametrize(
    "text",
    [
        "10:world.side=64",
        "10:world.founders=100",
        "10:world.drops=8",
        "10:world.n_sources=2",
        "10:world.senses=['touch']",
        "10:world.signal=true",
        "10:mind.policy='argmax'",
        "10:log_exchanges=true",
        "10:log_births_and_deaths=false",
        "10:seed=1",
        "10:replicates=64",
        "10:ticks=8000",
        "10:every=50",
        "10:interventions=[]",
    ],
)
def test_only_parameters_can_change_in_mid_run(tmp_path, text):
    field = text.split(":")[1].split("=")[0]
    assert field in refused_interventions(tmp_path / "dish", text)


BAD_FILES = {
    "open": b"rate = [1,",
    "twice": b"seed = 1\nseed = 2",
    "no value": b"rate",
    "binary": bytes(range(256)),
    "not UTF-8": b'rate = "\xff"',
    "UTF-16": "rate = 3".encode("utf-16"),
    "NUL": b"rate = 3\0",
    "deep": b"rate = " + b"[" * 5000 + b"]" * 5000,
    "endless number": b"rate = 1" + b"0" * 5000,
    "huge float": b"interventions = 1" + b"0" * 400,
    "date": b"rate = 1979-05-27",
    "JSON": b'{"rate": 3}',
}


@pytest.mark.parametrize("way", ["world.{0}={1}", "world={{ {0} = {1} }}", "world={{ {0} = {1}, speed = 9 }}"])
def test_values_that_are_safe_one_by_one_must_be_safe_together(way):
    """By whatever way a parameter is reached: those of before are still there when the ceiling has come down."""
    shrinks = ["10:" + way.format("ceiling", 1024), "20:" + way.format("division_energy", 1048576)]
    c = from_dict(ChemotaxisConfiguration, {"world": {"ceiling": 32768}, "interventions": shrinks})
    with pytest.raises(ConfigurationError, match=r"20:world.*division_energy.*on top of .*ceiling"):
        prepare("chemotaxis", c)


@pytest.mark.parametrize("kind", BAD_FILES)
def test_a_file_that_is_no_configuration_is_refused_in_plain_words(tmp_path, capsys, kind):
    from mesocosm.cli import main

    file = tmp_path / "my.toml"
    file.write_bytes(BAD_FILES[kind])
    assert main(["run", "bilinear", "--config", str(file), "--out", str(tmp_path / "out")]) == 2
    said = capsys.readouterr()
    assert said.out == "" and "fault" not in said.err and "Traceback" not in said.err
    assert "my.toml" in said.err or "rate" in said.err or "interventions" in said.err
    assert list(tmp_path.iterdir()) == [file]


@pytest.mark.parametrize("file", ["nowhere.toml", ".", "/proc/self/mem"])
def test_a_file_that_cannot_be_read_is_refused_in_plain_words(tmp_path, file):
    done = mesocosm("run", "bilinear", "--config", file, cwd=tmp_path, code=2)
    assert file in done.stderr and list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("words", "says"),
    [
        ("bilinear --rate 0", ["rate = 0", "1 ... 128"]),
        ("bilinear --rate 1.5", ["--rate", "1.5"]),
        ("bilinear --play both", ["--play", "both", "alternating"]),
        ("bilinear --ticks 15", ["ticks = 15", "every = 10"]),
        ("bilinear --seed 18446744073709551616", ["seed = 18446744073709551616"]),
        ("bilinear --interventions 5:rat=3", ["rat", "rate"]),
        ("lorenz --rho nan", ["rho = nan", "finite"]),
        ("chemotaxis --world.side 100", ["world.side = 100", "power of two"]),
        ("chemotaxis --world.speeed 3", ["--world.speeed", "--world.speed"]),
        ("chemotaxis --world.senses taste", ["taste", "odour"]),
        ("chemotaxis --world.odour-levels 1 2", ["--world.odour-levels"]),
        ("chemotaxis --log-exchanges maybe", ["--log-exchanges", "maybe"]),
    ],
)
def test_the_command_refuses_bad_flags_and_leaves_nothing(tmp_path, words, says):
    done = mesocosm("run", *words.split(), cwd=tmp_path, code=2)
    assert all(part in done.stderr for part in says) and done.stdout == ""
    assert list(tmp_path.iterdir()) == []


def test_the_command_refuses_an_intervention_on_a_size_and_leaves_nothing(tmp_path):
    words = ["--interventions", "10:world.drops=8", "--world.side", 16, "--world.founders", 32, "--world.ceiling", 64]
    done = mesocosm("run", "chemotaxis", "--quiet", *words, cwd=tmp_path, code=2)
    assert "world.drops" in done.stderr and list(tmp_path.iterdir()) == []


def test_two_names_for_one_value_are_one_configuration():
    one = from_toml(LorenzConfiguration, "rho = 28", "a.toml", LorenzConfiguration())
    other = from_toml(LorenzConfiguration, "rho = 28.0", "b.toml", LorenzConfiguration())
    assert digest(to_dict(one)) == digest(to_dict(other)) == digest(to_dict(LorenzConfiguration()))


def test_nothing_is_left_behind_by_a_refused_configuration(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ConfigurationError):
        start("bilinear", BilinearConfiguration(rate=0))
    assert list(Path().iterdir()) == []
