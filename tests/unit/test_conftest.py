"""What every test stands on, where a system lacks a part of it."""

import os

from tests.conftest import MEMORY, _is_roomy


def test_without_room_to_be_asked_for_there_is_none(monkeypatch):
    """Windows knows no `statvfs`."""
    monkeypatch.delattr(os, "statvfs", raising=False)
    assert not _is_roomy(MEMORY)


def test_a_folder_that_is_not_there_has_no_room(tmp_path):
    assert not _is_roomy(str(tmp_path / "nowhere"))
