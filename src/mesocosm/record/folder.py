"""The run folder: what lies where, whose it is, and who may write.

config.toml      the resolved configuration; reading it back repeats the run
run.json         schema, experiment, identity, status, versions, host, command; checksums of it and config.toml
record.sqlite    metrics (one column a measure), statuses, findings, which files belong to the record, clock times apart
log/             births, deaths, exchanges... in chunks of compressed columns (NPZ)
frames/          what cameras took for the replay, likewise; a view, no part of the digest
assays/          run folders of the assays of this run
analyses/        what was worked out of the finished run, by analysis and settings; analysis.json likewise
report.html      the page
checkpoints/     the last two states from which the run can go on, the last one of a finished run (NPZ)
"""

from __future__ import annotations

import io
import os
import platform
import re
import sys
import time
import zipfile
import zlib
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mesocosm.record.errors import FolderError
from mesocosm.record.files import is_beside, kind_of, read_whole, storing
from mesocosm.record.header import CONFIG, HEADER

if TYPE_CHECKING:
    import numpy as np

DATABASE = "record.sqlite"
LOGS, FRAMES, CHECKPOINTS, ASSAYS = _SUBS = "log", "frames", "checkpoints", "assays"
_DATABASES = tuple(f"{DATABASE}{end}" for end in ("", "-journal", "-wal", "-shm"))
_LOCK, _MARK = ".lock", b"mesocosm run\n"
"""The lock is the first file in a folder, and what is in it says whose folder it is. It is never emptied."""


def pack(arrays: Mapping[str, np.ndarray], compressed: bool) -> bytes:
    """Arrays as the bytes of an NPZ file."""
    buffer = io.BytesIO()
    import numpy as np  # here, so that a command that only looks at headers does not wait for it

    (np.savez_compressed if compressed else np.savez)(buffer, allow_pickle=False, **arrays)
    return buffer.getvalue()


def unpack(content: bytes, path: Path) -> dict[str, np.ndarray]:
    """The arrays of an NPZ file.

    Raises:
      FolderError: if it is none; `path` says which.
    """
    import numpy as np

    try:
        with np.load(io.BytesIO(content), allow_pickle=False) as file:
            return {name: file[name] for name in file.files}
    except (OSError, ValueError, LookupError, TypeError, AttributeError, MemoryError, EOFError, SyntaxError) as error:
        raise FolderError(f"{path}: is damaged ({error!s:.80}); run again with --out") from None
    except (zipfile.BadZipFile, zlib.error, NotImplementedError, RuntimeError) as error:  # what zipfile says of bytes
        raise FolderError(f"{path}: is damaged ({error!s:.80}); run again with --out") from None


def file_of(folder: Path, file: str) -> Path:
    """Where a file of the record lies, as its row names it.

    Raises:
      FolderError: for a name that we would not give: it might lead out of the folder.
    """
    if re.fullmatch(rf"({LOGS}|{FRAMES}|{CHECKPOINTS})/[^./][^/]*\.npz", file) is None:
        raise FolderError(f"{folder / DATABASE}: is damaged (it names a file {file!r:.80}); run again with --out")
    return folder / file


def is_unborn(folder: Path) -> bool:
    """Whether this folder is empty, or holds only what a kill left of a run of ours that had not begun.

    Names alone tell nothing: a configuration or an empty `log/` may be somebody's own. The lock, which is there before
    anything else, says in a word that the folder is ours.
    """
    try:
        names = {path.name for path in folder.iterdir()}
        if not names:
            return True
        if kind_of(folder / _LOCK) != "file" or read_whole(folder / _LOCK, len(_MARK)) not in (_MARK, b""):
            return False
        if names == {_LOCK}:
            return True  # cut off before the word was in it
        subs = names & {LOGS, FRAMES, CHECKPOINTS}
        others = {n for n in names - subs if not is_beside(n, CONFIG) and not is_beside(n, HEADER)}
        return (
            read_whole(folder / _LOCK, len(_MARK)) == _MARK
            and others <= {_LOCK, CONFIG, DATABASE, f"{DATABASE}-journal"}
            and all(kind_of(folder / name) == "file" for name in others)
            and all(kind_of(folder / sub) == "folder" and not any((folder / sub).iterdir()) for sub in subs)
        )
    except OSError:
        return False


def refuse_links(folder: Path) -> None:
    """Nothing of ours is written through a link, which may lead anywhere: the folder may have been received.

    Raises:
      FolderError: naming what is a link, or otherwise not what it should be.
    """
    kinds = {name: "file" for name in (_LOCK, *_DATABASES)} | {name: "folder" for name in (*_SUBS, "analyses")}
    for name, kind in kinds.items():
        if (found := kind_of(folder / name)) not in (kind, "nothing"):
            raise FolderError(
                f"{folder / name}: is no {kind} of this run but {_A[found]}; mesocosm follows and overwrites none. "
                "Remove it, or run again with --out."
            )


_A = {"link": "a link", "file": "a file", "folder": "a folder", "something else": "something else"}


def is_own_file(sub: str, name: str, kept: Collection[str]) -> bool:
    """Whether we would give this name to a file in this sub-folder.

    Args:
      kept: names of the logs or cameras whose chunks lie there.
    """
    if is_beside(name):
        return True
    if sub == CHECKPOINTS:
        return re.fullmatch(r"\d{12}(-again)?\.npz", name) is not None
    found = re.fullmatch(r"(.+)-\d{12}\.npz", name)
    return found is not None and found[1] in kept


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

    called = Path(sys.argv[0]).name
    return shlex.join(["mesocosm" if called == "__main__.py" else called, *sys.argv[1:]])


@contextmanager
def locked(folder: Path) -> Iterator[None]:
    """Hold the folder for one writer; the system lets go when the process ends, however it ends.

    Raises:
      FolderError: if another process holds it, or something in it leads elsewhere.
      StorageError: if there can be no lock in it.
    """
    with storing(folder):
        refuse_links(folder)
        flags = os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | getattr(os, "O_NOFOLLOW", 0)
        number = os.open(folder / _LOCK, flags, 0o666)
    try:
        _hold(number, folder)
        if os.fstat(number).st_size == 0:
            with storing(folder):
                os.write(number, _MARK)
        yield
    finally:
        os.close(number)


@contextmanager
def held(folder: Path) -> Iterator[None]:
    """The same for a folder in which runs lie, made where it is not there. Errors as of `locked`."""
    with storing(folder):
        folder.mkdir(exist_ok=True)
    with locked(folder):
        yield


def _hold(number: int, folder: Path) -> None:
    try:
        import fcntl

        for patience in range(20, -1, -1):  # somebody who only looks holds it for a moment
            try:
                fcntl.flock(number, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except OSError:
                if not patience:
                    raise
                time.sleep(0.05)
    except ImportError:  # Windows: no advisory lock
        pass
    except OSError:
        raise FolderError(f"{folder}: another process is writing this run; wait for it or stop it") from None


def is_locked(folder: Path) -> bool:
    """Whether a process is writing this run now."""
    try:
        import fcntl

        number = os.open(folder / _LOCK, os.O_RDONLY | os.O_CLOEXEC | getattr(os, "O_NONBLOCK", 0))
        try:
            fcntl.flock(number, fcntl.LOCK_SH | fcntl.LOCK_NB)
        finally:
            os.close(number)
    except BlockingIOError:
        return True
    except (OSError, ImportError):
        return False
    return False
