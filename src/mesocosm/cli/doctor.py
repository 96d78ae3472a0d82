"""`doctor`: is this machine fit to run experiments, and if not, what mends it?"""

from __future__ import annotations

import argparse
import os
import re
import shutil
import sys
import tempfile
import time
import warnings
from collections.abc import Callable
from importlib import import_module, metadata
from importlib.util import find_spec
from pathlib import Path

from mesocosm.cli.devices import cache_folder, cores, prepare_devices
from mesocosm.record.folder import versions

_LEAST_FREE = 200 * 2**20


def _python() -> str:
    return f"{sys.version.split()[0]} at {sys.prefix}"


def _versions() -> str:
    found = versions()
    if missing := [name for name, version in found.items() if version == "unknown"]:
        raise RuntimeError(f"{', '.join(missing)} not installed; `pip install .` in the project's folder")
    return ", ".join(f"{name} {version}" for name, version in found.items() if name != "python")


def _devices() -> str:
    prepare_devices()
    began = time.perf_counter()
    from mesocosm.core.programs import devices as all_devices

    devices = all_devices()
    kinds = {d.device_kind for d in devices}
    return f"{len(devices)} x {', '.join(kinds)} ({cores()} cores), jax ready in {time.perf_counter() - began:.1f} s"


def _bits() -> str:
    import jax.numpy as jnp

    from mesocosm.core.random import threefry2x32

    zero = jnp.uint32(0)
    if [int(word) for word in threefry2x32((zero, zero), (zero, zero))] != [0x6B200159, 0x99BA4EFE]:
        raise RuntimeError("differ from the published vectors; this jax computes wrongly here, do not trust its runs")
    return "random bits agree with the published vectors"


def _writable(folder: Path) -> str:
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryFile(dir=folder) as file:
        file.write(b"x")
    free = shutil.disk_usage(folder).free
    if free < _LEAST_FREE:
        raise RuntimeError(f"{folder} has only {free / 2**20:.0f} MiB free; make room or use --out")
    return f"{folder.absolute()}, {free / 2**30:.1f} GiB free"


def _memory() -> str:
    total = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") if hasattr(os, "sysconf") else 0
    return f"{total / 2**30:.1f} GiB" if total else "unknown"


CHECKS: dict[str, Callable[[], str]] = {
    "python": _python,
    "packages": _versions,
    "devices": _devices,
    "arithmetic": _bits,
    "memory": _memory,
    "this folder": lambda: _writable(Path()),
    "compiled programs": lambda: _writable(cache_folder()),
}


EXTRAS = {
    "watch": "`mesocosm watch`",
    "serve": "`mesocosm serve`, a learning rule behind HTTP",
    "video": "`export --to mp4` and gif",
    "parquet": "`export --to parquet`",
    "export": "`mesocosm export --to onnx`, worlds, minds and rules as programs for elsewhere",
    "notebook": "`mesocosm.view(run)`",
    "faces": "worlds as PettingZoo and Gymnasium environments, `mesocosm.faces`",
    "machines": "`mesocosm study --on slurm`, studies on a cluster",
    "ray": "`mesocosm study --on ray`, studies on a cluster of Ray",
    "frames": "`run.to_pandas()`, `run.to_xarray()`",
    "tensorboard": "`mesocosm.loggers.tensorboard`",
    "wandb": "`mesocosm.loggers.wandb`, offline",
    "learn": "searchers and rivals of digits, digits-shown and swap; the 8x8 digits",
    "automl": "the row `automl` of swap",
    "rebound": "`mesocosm measure RUN rebound`, planets of a third party beside those of arrow-of-time",
}
"""What the optional packages are for, by the extra that brings them."""


def lacking(extra: str) -> list[str]:
    """The packages of an extra that are not installed, or too old: `starlette (0.30 is too old, needs 0.40)`."""
    pattern = re.compile(rf"([\w.-]+)(?:\[[^]]*\])?([^;]*);.*extra\s*==\s*['\"]{extra}['\"]")
    asked = [match for line in metadata.requires("mesocosm") or () if (match := pattern.match(line))]
    return [fault for match in asked if (fault := _fault(match[1], match[2]))]


def _fault(name: str, wanted: str) -> str:
    """Why a package does not do; nothing if it does."""
    there = _version(name)
    if there is None:
        return name
    least = re.search(r">=\s*([\d.]+)", wanted)
    return f"{name} ({there} is too old, needs {least[1]})" if least and _numbers(there) < _numbers(least[1]) else ""


def _numbers(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in re.findall(r"\d+", version)[:3])


def _version(name: str) -> str | None:
    """Of a package; of a module of that name, which onnxruntime-gpu brings too; none where neither is."""
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        if find_spec(name) is None:
            return None
    try:
        return str(import_module(name).__version__)
    except Exception:  # torn, or without a version: `TRIED` says so
        return "0"


TRIED = {
    "watch": ("starlette", "uvicorn", "websockets"),
    "serve": ("starlette", "uvicorn", "httptools"),
    "video": ("PIL", "imageio", "imageio_ffmpeg"),
    "parquet": ("pyarrow.parquet",),
    "export": ("onnx", "onnxruntime"),
    "notebook": ("anywidget",),
    "faces": ("pettingzoo", "gymnasium"),
    "learn": ("optax", "sklearn", "evosax"),
    "automl": ("flaml",),
    "frames": ("pandas", "xarray"),
    "machines": ("submitit",),
    "ray": ("ray",),
    "tensorboard": ("tensorboardX",),
    "wandb": ("wandb",),
    "rebound": ("rebound",),
}
"""What is imported of an extra to see that it works here."""


def _told(extra: str) -> tuple[bool, str]:
    missing = lacking(extra)
    if missing:
        return False, f"lacks {', '.join(missing)}; pip install 'mesocosm[{extra}]'"
    for module in TRIED.get(extra, ()):
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                import_module(module)
        except Exception as error:  # a package that is torn may raise anything
            said = f"{type(error).__name__}: {error}".splitlines()[0]
            return False, f"is there and does not work ({said:.120}); pip install --force-reinstall 'mesocosm[{extra}]'"
    return True, "works"


def doctor(options: argparse.Namespace) -> int:
    """Look at everything; exit code 3 if something must be mended."""
    results = {}
    for name, check in CHECKS.items():
        try:
            results[name] = (True, check())
        except Exception as error:
            results[name] = (False, f"{error}")
    if options.json:
        from mesocosm.cli.answer import print_json

        checks = [{"check": n, "fine": fine, "found": text} for n, (fine, text) in results.items()]
        told = {extra: _told(extra) for extra in EXTRAS}
        extras = [{"extra": e, "for": use, "there": told[e][0], "found": told[e][1]} for e, use in EXTRAS.items()]
        print_json("doctor", {"checks": checks, "extras": extras})
    else:
        for name, (fine, text) in results.items():
            print(f"{'fine ' if fine else 'MEND '} {name:18s} {text}")
        print("\nwhat can be installed besides")
        for extra, use in EXTRAS.items():
            print(f"      {extra:18s} for {use}: {_told(extra)[1]}")
    return 0 if all(fine for fine, _ in results.values()) else 3
