"""The run folder: what lies where, and how a file gets there whole or not at all.

config.toml      the resolved configuration; reading it back repeats the run
run.json         schema, experiment, identity, status, versions, host, command
record.sqlite    metrics (one column a measure), statuses, which files belong to the record, clock times apart
log/             births, deaths, exchanges... in chunks of compressed columns (NPZ)
frames/          what cameras took for the replay, likewise; a view, no part of the digest
assays/          run folders of the assays of this run
checkpoints/     the last two states from which the run can go on, the last one of a finished run (NPZ)
"""

from __future__ import annotations

import hashlib
import io
import json
import os
import platform
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mesocosm.record.errors import FolderError, StorageError

if TYPE_CHECKING:
    import numpy as np

SCHEMA = 1
"""Version of the run folder's layout. A folder of another version is read by the program that wrote it."""

CONFIG, HEADER, DATABASE = "config.toml", "run.json", "record.sqlite"
LOGS, FRAMES, CHECKPOINTS, ASSAYS = "log", "frames", "checkpoints", "assays"
_LOCK, _BESIDE = ".lock", ".beside"


@contextmanager
def storing(what: Path) -> Iterator[None]:
    """Turns what the system says about a write into an error that a person can mend."""
    try:
        yield
    except OSError as error:
        raise StorageError(
            f"{what}: could not be written ({error.strerror or error}). What was recorded before is intact; "
            "make room or mend the folder, then `mesocosm resume` goes on from the last checkpoint."
        ) from error


def write_whole(path: Path, content: bytes) -> None:
    """Write beside and rename: readers see the old file or the new one, never a torn one."""
    beside = path.with_name(path.name + _BESIDE)
    with storing(path):
        try:
            with open(beside, "wb") as file:
                file.write(content)
                file.flush()
                os.fsync(file.fileno())
            os.replace(beside, path)
        except OSError:
            beside.unlink(missing_ok=True)
            raise


def pack(arrays: Mapping[str, np.ndarray], compressed: bool) -> bytes:
    """Arrays as the bytes of an NPZ file."""
    buffer = io.BytesIO()
    import numpy as np  # here, so that a command that only looks at headers does not wait for it

    (np.savez_compressed if compressed else np.savez)(buffer, allow_pickle=False, **arrays)
    return buffer.getvalue()


def unpack(content: bytes) -> dict[str, np.ndarray]:
    """The arrays of an NPZ file."""
    import numpy as np

    with np.load(io.BytesIO(content), allow_pickle=False) as file:
        return {name: file[name] for name in file.files}


def checksum(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def is_unborn(folder: Path) -> bool:
    """Whether this folder is empty, or holds only what a kill left of a run that had not begun."""
    ours = {
        CONFIG,
        DATABASE,
        f"{DATABASE}-journal",
        LOGS,
        FRAMES,
        CHECKPOINTS,
        _LOCK,
        CONFIG + _BESIDE,
        HEADER + _BESIDE,
    }
    try:
        if any(any((folder / sub).iterdir()) for sub in (LOGS, FRAMES, CHECKPOINTS) if (folder / sub).is_dir()):
            return False
        return {path.name for path in folder.iterdir()} <= ours
    except OSError:
        return False


def write_header(folder: Path, header: Mapping[str, Any]) -> None:
    write_whole(folder / HEADER, (json.dumps(header, indent=2) + "\n").encode())


def read_header(folder: Path) -> dict[str, Any]:
    """What `run.json` says.

    Raises:
      FolderError: if this is no run folder, or one of another schema.
    """
    try:
        header = json.loads((folder / HEADER).read_text("utf-8"))
    except FileNotFoundError:
        raise FolderError(f"{folder}: is not a run folder (it has no {HEADER}); `mesocosm list` shows runs") from None
    except (OSError, ValueError) as error:
        raise FolderError(f"{folder / HEADER}: cannot be read ({error}); the run folder is damaged") from None
    if not isinstance(header, dict) or header.get("schema") != SCHEMA:
        found = header.get("schema") if isinstance(header, dict) else header
        raise FolderError(
            f"{folder}: was written with schema {found!r}; this is schema {SCHEMA}. "
            f"Read it with the version of mesocosm that its {HEADER} names."
        )
    if wrong := [key for key, kind in _HEADER.items() if not isinstance(header.get(key), kind)]:
        raise FolderError(f"{folder / HEADER}: lacks {', '.join(wrong)}; the run folder is damaged")
    return header


_HEADER = {"status": str, "experiment": str, "seed": int, "replicates": int, "ticks": int, "every": int}
_HEADER |= {"configuration": dict, "logs": list, "versions": dict, "command": str, "begun": str}


def versions() -> dict[str, str]:
    """Versions of what the result may depend on, without importing any of it."""
    out = {"python": platform.python_version()}
    for name in ("mesocosm", "jax", "jaxlib", "equinox", "numpy", "scipy", "optax", "evosax", "scikit-learn"):
        try:
            out[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            continue  # an extra that is not installed
    return out


def host() -> dict[str, Any]:
    return {"system": platform.platform(), "machine": platform.machine(), "cores": os.cpu_count()}


def command_line() -> str:
    import shlex

    return shlex.join([Path(sys.argv[0]).name, *sys.argv[1:]])


@contextmanager
def locked(folder: Path) -> Iterator[None]:
    """Hold the folder for one writer; the system lets go when the process ends, however it ends."""
    with storing(folder):
        file = open(folder / _LOCK, "w")  # noqa: SIM115 - held open for as long as the lock
    try:
        try:
            import fcntl

            for patience in range(20, -1, -1):  # somebody who only looks holds it for a moment
                try:
                    fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                    break
                except OSError:
                    if not patience:
                        raise
                    time.sleep(0.05)
        except ImportError:  # Windows: no advisory lock
            pass
        except OSError:
            raise FolderError(f"{folder}: another process is writing this run; wait for it or stop it") from None
        yield
    finally:
        file.close()


def is_locked(folder: Path) -> bool:
    """Whether a process is writing this run now."""
    try:
        import fcntl

        with open(folder / _LOCK) as file:
            fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    except (OSError, ImportError):
        return False
    return False
