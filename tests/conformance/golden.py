"""Writes the digests that `test_golden_digests` expects, or prints them (`--print`)."""

from __future__ import annotations

import json
import sys
import tempfile
from pathlib import Path

from tests.conformance.cases import SUBJECTS, case, worlds


def digests() -> dict[str, dict[str, str]]:
    """State digests of two replicates of every exact case after 40 ticks."""
    out = {}
    for title, subject in SUBJECTS.items():
        if not subject.is_exact:
            continue
        with tempfile.TemporaryDirectory() as folder:
            small = case(title, replicates=2, ticks=40)
            found = worlds(small.setup, small.run(Path(folder) / "run"))
            out[title] = {str(replicate): digest for replicate, digest in found.items()}
    return out


if __name__ == "__main__":
    text = json.dumps(digests(), indent=2) + "\n"
    if "--print" in sys.argv:
        print(text)
    else:
        Path(__file__).with_name("golden.json").write_text(text)
