"""What the command line writes while a run goes on."""

import io
import sys

from mesocosm.cli import progress
from mesocosm.protocol.registry import declaration


class Terminal(io.StringIO):
    def __init__(self, is_terminal: bool):
        super().__init__()
        self.isatty = lambda: is_terminal


def progress_over(monkeypatch, seconds: list[float], is_terminal: bool, ticks: list[int] | None = None) -> str:
    """What a run writes whose chunks end at these times, at these ticks."""
    from mesocosm.core import Progress
    from mesocosm.protocol import progress as lines

    clock, screen = [0.0], Terminal(is_terminal)
    monkeypatch.setattr(sys, "stderr", screen)
    monkeypatch.setattr(lines.time, "monotonic", lambda: clock[0])
    with progress.ProgressLine(declaration("bilinear")) as show:
        for k, now in enumerate(seconds):
            clock[0] = now
            show(Progress("bilinear", ticks[k] if ticks else 100 * (k + 1), 1000, 2, 2, 10.0, {}))
    return screen.getvalue()


def test_progress_is_a_line_every_tenth_or_30_seconds_where_there_is_no_terminal(monkeypatch):
    said = progress_over(monkeypatch, [1, 10, 31, 40, 62], is_terminal=False, ticks=[50, 99, 101, 150, 199])
    assert [line.split()[1] for line in said.splitlines()] == ["101/1000", "199/1000"]
    assert "\r" not in said and "\x1b" not in said


def test_progress_is_one_live_line_on_a_terminal_and_leaves_nothing(monkeypatch):
    said = progress_over(monkeypatch, [1, 2, 3], is_terminal=True)
    assert "\n" not in said and "tick 300/1000" in said and said.endswith("\r\x1b[K")


def test_the_time_left_of_an_arm_begins_anew(monkeypatch):
    said = progress_over(monkeypatch, [0, 10], is_terminal=True, ticks=[900, 100])
    assert said.count("...") == 2 and "-" not in said


def test_the_time_left_is_foretold_once_chunks_have_been_run_in_which_nothing_is_compiled(monkeypatch):
    said = progress_over(monkeypatch, [0, 10, 20, 30], is_terminal=True)
    assert said.count("...") == 3 and "80 s left" not in said and "60 s left" in said
