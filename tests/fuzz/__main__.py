"""`python -m tests.fuzz 100000`: see the package."""

from __future__ import annotations

import argparse
import itertools
import tempfile
import time
import warnings
from pathlib import Path

from tests.fuzz import faults, targets


def main() -> int:
    known = targets()
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz")
    parser.add_argument("trials", nargs="?", type=int, default=1000, help="of all targets together (default: 1000)")
    parser.add_argument("--only", choices=known, help="one target")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--trial", type=int, help="only this one")
    options = parser.parse_args()
    chosen = {options.only: known[options.only]} if options.only else known
    each = -(-options.trials // len(chosen))
    numbers = range(each) if options.trial is None else range(options.trial, options.trial + 1)
    warnings.simplefilter("error")
    found, done, began = 0, 0, time.monotonic()
    with tempfile.TemporaryDirectory() as place:
        for name in chosen:
            (Path(place) / name).mkdir()
        runs = [faults(target, Path(place) / name, numbers, options.seed) for name, target in chosen.items()]
        for fault in itertools.chain.from_iterable(zip(*runs, strict=True)):
            done += 1
            if fault is not None:
                found += 1
                print(f"\n{fault}", flush=True)
            if done % 1000 == 0:
                print(f"{done} trials, {found} faults, {time.monotonic() - began:.0f} s", flush=True)
    print(f"{done} trials of {', '.join(chosen)}: {found} faults, {time.monotonic() - began:.0f} s")
    return 1 if found else 0


if __name__ == "__main__":
    raise SystemExit(main())
