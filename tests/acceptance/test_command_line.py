"""The command line from outside: what it prints where, what it leaves on disk, and with which code it ends."""

import json
import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from mesocosm.cli import main
from mesocosm.protocol.registry import declaration
from mesocosm.record import load
from mesocosm.record.header import write_header

MESOCOSM = [sys.executable, "-c", "import sys; from mesocosm.cli import main; sys.exit(main())"]
GAME = ["run", "bilinear", "--replicates", "2", "--ticks", "200", "--every", "20"]
DISH = ["run", "chemotaxis", "--replicates", "2", "--ticks", "200", "--every", "20"]
DISH += ["--world.side", "16", "--world.founders", "32", "--world.ceiling", "64"]
HEAVY = ("jax", "jaxlib", "equinox", "scipy")
WHICH_HEAVY = f"""
import sys
from mesocosm.cli import main
try:
    code = main()
except SystemExit as leave:
    code = leave.code
print("LOADED", *(m for m in {HEAVY} if m in sys.modules), file=sys.stderr)
sys.exit(code)
"""


def mesocosm(*words: str | Path, cwd: Path, code: int = 0, **options) -> subprocess.CompletedProcess[str]:
    """Run the command; whatever happens, nobody is shown a traceback or told of a fault."""
    call = [*MESOCOSM, *map(str, words)]
    done = subprocess.run(call, cwd=cwd, text=True, capture_output=True, timeout=300, **options)
    said = done.stdout + done.stderr
    assert "Traceback" not in said and "This is a fault" not in said and "Exception ignored" not in said, said
    assert done.returncode == code, said
    return done


@pytest.fixture
def here(monkeypatch, capsys):
    """The same in this process, where jax is loaded already: for what is asked of the record alone."""

    def call(*words: str | Path, cwd: Path, code: int = 0) -> subprocess.CompletedProcess[str]:
        monkeypatch.chdir(cwd)
        capsys.readouterr()
        try:
            left = main([*map(str, words)])
        except SystemExit as leave:
            left = leave.code
        out, err = capsys.readouterr()
        assert (left or 0) == code and "Traceback" not in out + err and "This is a fault" not in out + err, out + err
        return subprocess.CompletedProcess(words, code, out, err)

    return call


def header_says(folder: Path, **entries) -> None:
    write_header(folder, {**load(folder).header, **entries})


@pytest.fixture(scope="module")
def laboratory(tmp_path_factory) -> Path:
    """A folder with one finished game in it, runs/game."""
    folder = tmp_path_factory.mktemp("laboratory")
    mesocosm(*GAME, "--out", "runs/game", cwd=folder)
    return folder


@pytest.fixture
def game(laboratory, tmp_path) -> Path:
    """A finished game of one's own, which another process made."""
    return Path(shutil.copytree(laboratory / "runs" / "game", tmp_path / "runs" / "game"))


def test_a_run_prints_its_table_on_stdout_and_words_on_stderr_and_leaves_one_folder(tmp_path):
    done = mesocosm(*GAME, "--seed", 7, cwd=tmp_path)
    assert "growth" in done.stdout and "finished: 200 of 200 ticks" in done.stdout
    assert declaration("bilinear").question in done.stderr
    assert declaration("bilinear").question not in done.stdout
    (folder,) = (tmp_path / "runs").iterdir()
    assert folder.name.startswith("bilinear-7-")
    names = {path.name for path in folder.iterdir()}
    assert names >= {"config.toml", "run.json", "record.sqlite", "log", "checkpoints"}
    assert [path.name for path in tmp_path.iterdir()] == ["runs"]


def test_a_dish_of_bacteria_reports_its_worlds_and_a_ledger_without_residual(tmp_path):
    done = mesocosm(*DISH, "--json", "--out", "dish", cwd=tmp_path)
    said = json.loads(done.stdout)
    assert (said["status"], said["tick"], said["replicates"], said["alive"]) == ("finished", 200, 2, 2)
    assert [row[0] for row in said["summary"]["rows"]] == [0, 1]
    assert any("residual 0 quanta" in note for note in said["summary"]["notes"])
    assert {path.name for path in (tmp_path / "dish" / "log").iterdir()}
    shown = mesocosm("show", "dish", cwd=tmp_path).stdout
    assert "world.side is 128 there, 16 here" in shown


def test_json_goes_to_stdout_alone_and_quiet_silences_the_rest(tmp_path):
    done = mesocosm(*GAME, "--json", "--quiet", "--out", "game", cwd=tmp_path)
    said = json.loads(done.stdout)
    assert said["schema"] == 1 and said["experiment"] == "bilinear" and said["folder"] == "game"
    assert done.stderr == ""


def test_the_same_seed_gives_the_same_record_and_another_seed_another(laboratory, tmp_path, here):
    here(*GAME, "--out", "again", cwd=tmp_path)
    here(*GAME, "--out", "other", "--seed", 2**64 - 1, cwd=tmp_path)
    digest = load(laboratory / "runs" / "game").digest()
    assert load(tmp_path / "again").digest() == digest != load(tmp_path / "other").digest()


def test_a_finished_run_is_printed_again_without_running(game, laboratory):
    before = {path: path.stat().st_mtime_ns for path in game.rglob("*") if path.is_file()}
    call = [sys.executable, "-c", WHICH_HEAVY, *GAME, "--out", "game", "--json"]
    done = subprocess.run(call, cwd=game.parent, text=True, capture_output=True, timeout=60)
    assert done.returncode == 0 and done.stderr.split() == ["LOADED"]
    first = json.loads(mesocosm("show", "game", "--json", cwd=laboratory).stdout)
    assert json.loads(done.stdout)["summary"] == first["summary"]
    assert {path: path.stat().st_mtime_ns for path in game.rglob("*") if path.is_file()} == before


def test_a_folder_of_another_configuration_is_refused_naming_what_differs(game):
    done = mesocosm(*GAME, "--rate", 17, "--out", "game", cwd=game.parent, code=2)
    assert "rate is 16 there, 17 here" in done.stderr and "--out" in done.stderr
    assert "seed" not in done.stderr and done.stdout == ""


def test_a_folder_of_another_experiment_is_refused(game):
    done = mesocosm("run", "lorenz", "--out", "game", "--quiet", cwd=game.parent, code=2)
    assert "another" in done.stderr and done.stdout == ""


@pytest.mark.parametrize("status", ["running", "interrupted"])
def test_an_unfinished_run_is_refused_naming_resume(game, status):
    header_says(game, status=status)
    done = mesocosm(*GAME, "--out", "game", cwd=game.parent, code=2)
    assert "mesocosm resume game" in done.stderr and done.stdout == ""


def test_a_finished_run_of_another_version_is_refused(game):
    header_says(game, versions={**load(game).header["versions"], "mesocosm": "0.0.1"})
    done = mesocosm(*GAME, "--out", "game", cwd=game.parent, code=2)
    assert "0.0.1" in done.stderr


def test_flags_override_the_file_and_the_file_overrides_the_defaults(tmp_path, here):
    (tmp_path / "my.toml").write_text("seed = 5\nrate = 32\nticks = 200\nevery = 20\nreplicates = 2\n")
    here("run", "bilinear", "--config", "my.toml", "--rate", 48, "--out", "game", cwd=tmp_path)
    header = load(tmp_path / "game").header
    assert (header["seed"], header["configuration"]["rate"], header["ticks"]) == (5, 48, 200)


def test_the_resolved_configuration_reproduces_the_run(tmp_path, here):
    change = ["--interventions", "60:rate=32", "120:rate=8"]
    here(*GAME, "--seed", 3, *change, "--out", "first", cwd=tmp_path)
    here("run", "bilinear", "--config", "first/config.toml", "--out", "second", cwd=tmp_path)
    assert (tmp_path / "first/config.toml").read_text() == (tmp_path / "second/config.toml").read_text()
    assert load(tmp_path / "first").digest() == load(tmp_path / "second").digest()


def test_resuming_a_finished_run_prints_it_again(game, here, monkeypatch):
    assert json.loads(mesocosm("resume", "game", "--json", cwd=game.parent).stdout)["status"] == "finished"
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True)
    assert "compiling" not in here("resume", "game", cwd=game.parent).stderr
    assert "compiling" in here("resume", "game", "--ticks", 220, cwd=game.parent).stderr


def test_a_run_made_longer_is_the_unbroken_longer_run(game, here):
    home = game.parent
    said = json.loads(here("resume", "game", "--ticks", 400, "--json", cwd=home).stdout)
    assert (said["tick"], said["ticks"], said["status"]) == (400, 400, "finished")
    here(*GAME[:4], "--ticks", 400, "--every", 20, "--out", "unbroken", cwd=home)
    assert load(game).digest() == load(home / "unbroken").digest()


def test_the_resolved_configuration_of_a_run_made_longer_reproduces_it(game, here):
    here("resume", "game", "--ticks", 400, cwd=game.parent)
    here("run", "bilinear", "--config", "game/config.toml", "--out", "copy", cwd=game.parent)
    assert load(game).digest() == load(game.parent / "copy").digest()


@pytest.mark.parametrize(("ticks", "says"), [(100, "200"), (210, "every = 20"), (0, "ticks = 0"), ("x", "x")])
def test_a_run_cannot_be_resumed_to_a_length_that_makes_no_sense(game, ticks, says, here, monkeypatch):
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True)
    before = load(game).digest()
    done = here("resume", "game", "--ticks", ticks, cwd=game.parent, code=2)
    assert says in done.stderr and "compiling" not in done.stderr and done.stdout == ""
    assert load(game).digest() == before and load(game).status == "finished"


def test_list_names_experiments_and_runs(laboratory):
    said = mesocosm("list", cwd=laboratory).stdout
    assert "chemotaxis" in said and "game" in said and "200/200" in said and "2/2 alive" in said
    listed = json.loads(mesocosm("list", "--json", cwd=laboratory).stdout)
    assert listed["runs"][0]["run"] == "game" and listed["runs"][0]["status"] == "finished"


def test_list_looks_where_it_is_told_and_finds_nothing_in_nothing(laboratory, tmp_path):
    assert "game" in mesocosm("list", "--under", laboratory / "runs", cwd=tmp_path).stdout
    assert "no runs" in mesocosm("list", "--under", "nowhere", cwd=tmp_path).stdout
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("content", ["", "{", "[]", '{"schema": 1}', '{"schema": 1, "experiment": "unheard of"}'])
def test_one_damaged_folder_hides_no_other_from_list(game, content):
    damaged = Path(shutil.copytree(game, game.parent / "damaged"))
    (damaged / "run.json").write_text(content)
    listed = json.loads(mesocosm("list", "--json", cwd=game.parents[1]).stdout)
    assert [run["run"] for run in listed["runs"]] == ["game"]
    assert len(listed["damaged"]) == 1 and "damaged" in listed["damaged"][0]


def test_show_finds_a_run_by_its_name_or_its_folder(laboratory):
    assert mesocosm("show", "game", cwd=laboratory).stdout == mesocosm("show", "runs/game", cwd=laboratory).stdout
    said = json.loads(mesocosm("show", "game", "--json", cwd=laboratory).stdout)
    assert said["summary"]["columns"][0] == "replicate"


def test_paths_may_hold_spaces_and_any_letters(tmp_path):
    folder = "to and fro/ünï %20?x#y 𝛼"
    mesocosm(*GAME, "--out", folder, cwd=tmp_path)
    assert "finished" in mesocosm("show", folder, cwd=tmp_path).stdout


def test_doctor_finds_this_machine_fit(tmp_path):
    said = mesocosm("doctor", "--json", cwd=tmp_path, env={**os.environ, "XDG_CACHE_HOME": str(tmp_path)}).stdout
    assert all(check["fine"] for check in json.loads(said)["checks"])


def test_doctor_says_what_to_mend(tmp_path):
    env = {**os.environ, "XDG_CACHE_HOME": "/proc/nowhere"}
    said = mesocosm("doctor", cwd=tmp_path, env=env, code=3).stdout
    assert sum(line.startswith("MEND") for line in said.splitlines()) == 1


def test_a_run_needs_no_home_and_no_cache(tmp_path):
    env = {k: v for k, v in os.environ.items() if k not in ("HOME", "JAX_COMPILATION_CACHE_DIR")}
    done = mesocosm(*GAME, "--out", "game", cwd=tmp_path, env={**env, "XDG_CACHE_HOME": "/proc/nowhere"})
    assert "Warning" not in done.stderr


def test_a_user_whom_the_system_does_not_know_can_run(tmp_path, monkeypatch):
    def unknown():
        raise RuntimeError("Could not determine home directory.")

    from mesocosm.cli import devices

    for name in ("XDG_CACHE_HOME", "JAX_COMPILATION_CACHE_DIR"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("XLA_FLAGS", os.environ.get("XLA_FLAGS", ""))
    monkeypatch.setattr(Path, "home", unknown)
    devices.prepare_devices()


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["dance"], "dance"),
        (["run"], "chemotaxis"),
        (["run", "chemotaxi"], "Did you mean chemotaxis?"),
        (["run", "bilinear", "--rat", "3"], "--rate"),
        (["run", "bilinear", "more"], "more"),
        (["show"], "RUN"),
        (["show", "a", "b"], "b"),
        (["show", "nowhere"], "nowhere"),
        (["resume", "nowhere"], "nowhere"),
        (["list", "--loud"], "--loud"),
    ],
)
def test_wrong_words_are_answered_on_stderr_with_code_2(tmp_path, words, says):
    done = mesocosm(*words, cwd=tmp_path, code=2)
    assert says in done.stderr
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["run", "bilinear", "--out", ""], "--out is empty"),
        (["run", "bilinear", "--config", ""], "--config is empty"),
        (["watch", "game", "--port", "65536"], "0 ... 65535"),
        (["watch", "game", "--port", "-1"], "0 ... 65535"),
        (["watch", "game", "--replicate", "2", "--no-browser"], "0 ... 1"),
        (["run", "nope"], "chemotaxis"),
    ],
)
def test_what_cannot_be_meant_is_refused_before_anything_starts(game, words, says):
    assert says in mesocosm(*words, cwd=game.parent, code=2).stderr


def test_debug_shows_where_an_error_arose(tmp_path):
    done = subprocess.run([*MESOCOSM, "show", "nowhere", "--debug"], cwd=tmp_path, text=True, capture_output=True)
    assert done.returncode != 0 and "Traceback" in done.stderr and "FolderError" in done.stderr


LIGHT = ["", "--help", "--version", "run --help", "resume --help", "list --help", "show --help", "doctor --help"]
LIGHT += ["run chemotaxis --help", "run bilinear --help", "list", "list --json", "show game", "show game --json"]


@pytest.mark.parametrize("words", LIGHT)
def test_what_must_answer_at_once_loads_neither_jax_nor_scipy(laboratory, words):
    call = [sys.executable, "-c", WHICH_HEAVY, *words.split()]
    done = subprocess.run(call, cwd=laboratory, text=True, capture_output=True, timeout=60)
    assert (done.returncode, done.stderr.split()) == (0, ["LOADED"])
    assert done.stdout.strip()


def test_help_names_every_command_and_every_field(tmp_path):
    said = mesocosm("--help", cwd=tmp_path).stdout
    assert all(command in said for command in ("run", "resume", "list", "show", "doctor"))
    said = mesocosm("run", "chemotaxis", "--help", cwd=tmp_path).stdout
    for flag in ("--config", "--out", "--seed", "--world.jump-probability", "--mind.policy", "--log-exchanges"):
        assert flag in said


def test_a_reader_that_leaves_is_no_error(laboratory):
    read, write = os.pipe()
    os.close(read)
    with os.fdopen(write, "w") as stdout:
        call = [*MESOCOSM, "show", "game", "--json"]
        done = subprocess.run(call, cwd=laboratory, text=True, stdout=stdout, stderr=subprocess.PIPE, timeout=60)
    assert (done.returncode, done.stderr) == (0, "")


PROGRAM = [sys.executable, "-m", "mesocosm"]


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full")
def test_words_that_cannot_be_written_cost_no_run(tmp_path):
    with open("/dev/full", "w") as full:
        done = subprocess.run([*PROGRAM, *GAME, "--out", "game"], cwd=tmp_path, stderr=full, stdout=subprocess.PIPE)
    assert done.returncode == 0 and load(tmp_path / "game").status == "finished"


@pytest.mark.parametrize("sign", [signal.SIGINT, signal.SIGTERM])
def test_stopped_before_the_run_has_begun_it_says_so_and_no_more(tmp_path, sign):
    words = [*PROGRAM, "run", "lorenz", "--ticks", "1000000", "--every", "5000", "--out", "flow"]
    child = subprocess.Popen(words, cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    child.stderr.readline()  # what is asked; then jax is imported
    child.send_signal(sign)
    said = child.communicate()[1]
    assert child.returncode == 130 and "Traceback" not in said
    assert "stopped" in said or "interrupted" in said


def test_names_that_are_no_text_are_shown_all_the_same(tmp_path):
    name = os.fsdecode(b"dish\xff")
    subprocess.run([*PROGRAM, *GAME, "--out", name], cwd=tmp_path, check=True, capture_output=True)
    listed = subprocess.run([*PROGRAM, "list", "--under", "."], cwd=tmp_path, check=True, capture_output=True)
    assert b"dish" in listed.stdout and (tmp_path / name / "report.html").exists()


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full")
def test_results_that_cannot_be_printed_are_an_error_of_the_environment(laboratory):
    with open("/dev/full", "w") as stdout:
        call = [*MESOCOSM, "list"]
        done = subprocess.run(call, cwd=laboratory, text=True, stdout=stdout, stderr=subprocess.PIPE, timeout=60)
    assert done.returncode == 3 and "No space left" in done.stderr and "Traceback" not in done.stderr
