"""`mesocosm watch` alone: a home with a card an experiment, and runs that are begun, stopped, resumed and looked at."""

import json
import shutil
import urllib.error
import urllib.request
from pathlib import Path

import pytest

from mesocosm.protocol.launch import begin
from mesocosm.protocol.registry import SHELF, declaration, find
from mesocosm.record import load
from mesocosm.record.folder import ASSAYS, held
from mesocosm.viewer.cards import cards, claimed, found, loop
from mesocosm.viewer.loops import ALL_BYTES, MOST_BYTES
from tests.acceptance.accessible import faults, is_too_wide
from tests.acceptance.test_command_line import mesocosm
from tests.acceptance.watching import Server, client, header

EXAMPLE = Path(__file__).parents[2] / "docs" / "examples" / "moran.py"
LONG = ('"quick": {"replicates": 4096}', '"endless": {"replicates": 64, "ticks": 100_000_000}')
PATIENCE_MS = 90_000


@pytest.fixture(scope="module")
def house(tmp_path_factory):
    """A home in a folder with a file of one's own."""
    folder = tmp_path_factory.mktemp("house")
    text = EXAMPLE.read_text()
    assert LONG[0] in text
    (folder / "moran.py").write_text(text.replace(*LONG))
    server = Server(cwd=folder)
    yield server
    server.stop()


@pytest.fixture
def home(house, visits):
    """Opens the home."""

    def open(**how):
        v = visits(house.address, wait=False, **how)
        v.page.wait_for_function("() => window.__home?.loops > 0")
        return v.page

    return open


def run_named(page, name: str, status: str):
    """Waits until the run of this name has this status."""
    say = "([name, status]) => window.__home.runs.some((r) => "
    say += "r.name.startsWith(name) && r.status === status && r.tick > 0)"
    page.wait_for_function(say, arg=[name, status], timeout=PATIENCE_MS)
    return page.locator(f".run[data-name^={name}]")


def test_every_experiment_has_a_card_with_its_question_and_what_was_found(home):
    page = home()
    assert page.locator(".card").count() == len(SHELF.own()) + 1 == page.evaluate("window.__home.cards")
    for name in SHELF.own():
        card = page.locator(f".card[data-name={name}]")
        assert declaration(name).question in card.inner_text() and card.locator(".slug").inner_text() == name
        presets = card.locator(".presets button").all_inner_texts()
        assert presets == list(declaration(name).presets) or len(declaration(name).presets) < 2
        known = next(c for c in cards() if c["name"] == name).get("found", {})
        assert known.get("verdict", "") in card.inner_text().lower()
    own = page.locator(".card[data-name=moran]").inner_text()
    assert "your file moran.py" in own and "one neutral newcomer" in own
    assert page.evaluate("window.__home.first_ms") < 3000  # half a second where nothing else goes on


def test_no_verdict_that_ships_is_of_other_claims():
    """A verdict is hidden where claims have changed since; make it anew: `python -m mesocosm.viewer.loops NAME`."""
    stale = {name for name, row in found().items() if row["claimed"] != claimed(declaration(name))}
    assert not stale


def test_what_comes_along_is_small_and_made_by_the_command():
    sizes = {name: len(loop(name)) for name in SHELF.own()}
    assert max(sizes.values()) <= MOST_BYTES and sum(sizes.values()) <= ALL_BYTES
    rows = found()
    assert set(rows) <= set(SHELF.own())
    for name, row in rows.items():
        assert row["command"] == f"mesocosm run {name}" and row["digest"] and row.get("bytes", 0) == sizes[name]


def test_a_run_is_begun_stopped_resumed_and_looked_at_by_keyboard_alone(home, house):
    page = home()
    card = page.locator(".card[data-name=moran]")
    card.get_by_role("button", name="endless").focus()
    page.keyboard.press("Enter")
    assert card.get_by_role("button", name="endless").get_attribute("aria-pressed") == "true"
    card.get_by_label("Seed").fill("7")
    page.keyboard.press("Shift+Tab")
    assert page.evaluate("document.activeElement.getAttribute('aria-label')") == "Run moran"
    page.keyboard.press("Enter")
    starting = page.locator(".run[data-name^=moran-7-][data-status=starting]")  # before there is anything to look at
    assert starting.get_by_role("button", name="Stop").is_enabled()
    item = run_named(page, "moran-7-", "running")
    item.get_by_role("button", name="Stop").focus()
    page.keyboard.press("Enter")
    at_once = page.evaluate("document.querySelector('.run[data-name^=moran-7-]').innerText")
    assert "is stopping: it writes a checkpoint first" in at_once
    assert item.get_by_role("button", name="Stop").is_disabled()
    run_named(page, "moran-7-", "interrupted").get_by_role("button", name="Resume").press("Enter")
    run_named(page, "moran-7-", "running").get_by_role("button", name="Stop").press("Enter")
    item = run_named(page, "moran-7-", "interrupted")
    assert "seed 7" in item.locator("h3").inner_text() and "moran-7-" in item.locator("h3 .slug").inner_text()
    (folder,) = (Path(house.cwd) / "runs").glob("moran-7-*")
    assert load(folder).header["ticks"] == 100_000_000
    item.get_by_role("button", name="Watch").press("Enter")
    page.wait_for_function("() => window.__viewer?.frames_drawn > 0")
    page.get_by_role("link", name="home").press("Enter")
    page.wait_for_function("() => window.__home?.runs.length === 1")


def test_a_run_is_not_over_while_its_controls_go_on(house):
    """Whoever began it: what follows it is run under a lock."""
    folder = Path(house.cwd) / "runs" / "bilinear-9-by-hand"
    mesocosm("run", "bilinear", "--preset", "quick", "--seed", "9", "--replicates", "4", "--out", folder, cwd=house.cwd)

    def told() -> dict:
        with client.connect(house.socket, origin=house.origin) as socket:
            socket.send(json.dumps({"n": 1, "ask": "runs"}))
            return next(run for run in header(socket.recv())["said"]["runs"] if run["name"] == folder.name)

    assert told()["status"] == "finished"
    with held(folder / ASSAYS):
        assert told()["status"] == "running" and told()["tick"] == told()["ticks"]
    assert told()["status"] == "finished"
    shutil.rmtree(folder)


def test_a_run_is_stopped_before_anything_of_it_has_run(home):
    page = home()
    card = page.locator(".card[data-name=moran]")
    card.get_by_role("button", name="endless").click()
    card.get_by_label("Seed").fill("6")
    card.get_by_role("button", name="Run moran").click()
    item = page.locator(".run[data-name^=moran-6-]")
    item.get_by_role("button", name="Stop").click()
    said = page.evaluate("document.querySelector('.run[data-name^=moran-6-]').innerText")
    assert "is stopping" in said
    over = "() => !window.__home.runs.some((r) => r.name.startsWith('moran-6-') && r.status !== 'interrupted')"
    page.wait_for_function(over, timeout=PATIENCE_MS)
    assert "has failed" not in page.locator("#runs").inner_text()


def test_a_run_whose_controls_were_cut_off_says_so_and_is_resumed(home, house):
    """It came to its end, and what was claimed of it waits for its verdict."""
    moran, folder = find(str(Path(house.cwd) / "moran.py")), Path(house.cwd) / "runs" / "moran-5-by-hand"
    begin(moran.reference, moran.declaration.configuration(seed=5, replicates=64, ticks=200), folder)
    page = home()
    item = run_named(page, "moran-5-", "interrupted")
    assert "what follows it, controls and the verdict, was interrupted" in item.inner_text()
    item.get_by_role("button", name="Resume").click()
    run_named(page, "moran-5-", "finished").locator(".verdict").wait_for()
    shutil.rmtree(folder)


def test_what_is_there_already_is_said_in_its_card(home, house):
    page = home()
    card = page.locator(".card[data-name=bilinear]")
    card.get_by_label("Seed").fill("8")
    card.get_by_role("button", name="quick", exact=True).click()
    card.get_by_role("button", name="Run bilinear").click()
    run_named(page, "bilinear-8-", "finished")
    card.get_by_role("button", name="Run bilinear").click()
    said = card.get_by_role("alert")
    assert "Seed 8 has been run already; another seed begins another run." in said.inner_text()
    said.get_by_role("button", name="Show it").click()
    assert page.evaluate("document.activeElement.closest('.run').dataset.name").startswith("bilinear-8-")
    for act in ("Run bilinear", "Watch bilinear"):
        card.get_by_label("Seed").fill("")
        card.get_by_role("button", name=act).click()
        page.wait_for_function("() => window.__home.trouble.includes('seed is empty: must be a whole number')")
        assert "seed is empty" in said.inner_text()
        card.get_by_label("Seed").fill("8")
        card.get_by_role("button", name="Run bilinear").click()
        page.wait_for_function("() => window.__home.trouble.includes('Seed 8')")
    card.get_by_label("Seed").fill("-8")
    card.get_by_role("button", name="Run bilinear").click()
    page.wait_for_function("() => window.__home.trouble.includes('seed = -8')")
    assert "must be" in said.inner_text() and page.locator("#trouble").is_hidden()
    for folder in (Path(house.cwd) / "runs").glob("bilinear-8-*"):
        shutil.rmtree(folder)


def test_it_can_be_read_and_worked_on_a_phone_in_the_light_and_in_the_dark(home):
    for how in ({}, {"width": 390}, {"color_scheme": "dark"}, {"color_scheme": "dark", "width": 390}):
        page = home(**how)
        assert faults(page) == [] and not is_too_wide(page), how
    before = page.evaluate("getComputedStyle(document.body).backgroundColor")
    page.get_by_role("button", name="Light or dark").click()
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") != before


def test_loops_stand_still_for_who_asked_for_less_motion(home):
    before, after = home().evaluate(DRAWN)
    assert before == after
    before, after = home(reduced_motion="no-preference").evaluate(DRAWN)
    assert before != after


DRAWN = """async () => { const canvas = document.querySelector('.card canvas'), seen = () => canvas.toDataURL();
  const first = seen(); await new Promise((done) => setTimeout(done, 700)); return [first, seen()]; }"""


def test_strangers_are_refused_and_names_lead_nowhere_but_to_what_is_listed(house):
    room = house.address + "r1/"
    for origin in (None, "null", "http://elsewhere.example"):
        for socket in (house.socket, room.replace("http:", "ws:") + "socket"):
            with pytest.raises(Exception, match="403"), client.connect(socket, origin=origin):
                pass
    named = [urllib.request.Request(page, headers={"Host": "elsewhere.example"}) for page in (house.address, room)]
    for request in (
        *named,
        house.origin + "/",
        house.address + "r99/",
        house.address + "r99/report",
        house.origin + "/another/r1/",
    ):
        with pytest.raises(urllib.error.HTTPError, match="404"):
            urllib.request.urlopen(request, timeout=10)
    with client.connect(house.socket, origin=house.origin) as socket:
        for n, question in enumerate(WRONG):
            socket.send(json.dumps({"n": n, **question}))
            said = header(socket.recv())
            assert said["n"] in (n, None) and "Error" not in said["error"], said
        socket.send(json.dumps({"n": 99, "ask": "runs"}))
        assert all(run["name"].startswith("moran") for run in header(socket.recv())["said"]["runs"])


NAMED = {"preset": None, "seed": 0}
WRONG = (
    {"ask": "thumb", "name": "../house"},
    {"ask": "open", "names": ["/etc"]},
    {"ask": "open", "names": []},
    {"ask": "start", "name": "nothing", **NAMED},
    {"ask": "start", "name": "moran.py", "preset": "--out", "seed": 0},
    {"ask": "start", "name": "lorenz", "preset": None, "seed": -1},
    {"ask": "live", "name": "/tmp/x.py", **NAMED},
    {"ask": "stop", "name": "chemotaxis"},
    {"ask": "resume", "name": ""},
    {"ask": "shell"},
)
