"""Writes the digests that `test_golden_digests` expects, or prints them: `--print [TITLE...]`."""

from __future__ import annotations

import json
import sys
import tempfile
from collections.abc import Iterable
from pathlib import Path

from tests.conformance.cases import GOLDEN, SUBJECTS, case, worlds

TICKS = 40


def digests(titles: Iterable[str]) -> dict[str, dict[str, str]]:
    """State digests of two replicates of cases after 40 ticks."""
    out = {}
    for title in titles:
        with tempfile.TemporaryDirectory() as folder:
            small = case(title, replicates=2, ticks=TICKS)
            found = worlds(small.setup, small.run(Path(folder) / "run"))
            out[title] = {str(replicate): digest for replicate, digest in found.items()}
    return out


def assert_golden(title: str, folder: Path) -> None:
    """As the suite of rules runs it: three replicates, of which the file knows two."""
    small = case(title, ticks=TICKS)
    found = worlds(small.setup, small.run(folder / "golden"))
    golden = json.loads(GOLDEN.read_text())
    assert golden[title] and {r: found[int(r)] for r in golden[title]} == golden[title]


if __name__ == "__main__":
    exact = [title for title, subject in SUBJECTS.items() if subject.is_exact]
    if "--print" in sys.argv:
        print(json.dumps(digests(sys.argv[2:] or exact), indent=2))
    else:
        GOLDEN.write_text(json.dumps(digests(exact), indent=2) + "\n")
