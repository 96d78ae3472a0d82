"""How single files are read and written in folders that may have come from anywhere.

What is written lands whole or not at all, and through no link; what is read is a plain file of bearable size. A folder
of the user's is written into only where nothing of theirs is in the way: our pages are signed, and beside files that
cannot be lies a list of them.
"""

from __future__ import annotations

import errno
import hashlib
import json
import os
import re
import shutil
import stat
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any
from uuid import uuid4

from mesocosm.record.errors import FolderError, StorageError

LIST = ".mesocosm-export"
"""In a folder of the user's: checksums and names of the files that we wrote there, as `sha256sum` writes them."""
LARGEST_TEXT = 1 << 26
"""Bytes of a file that is read as text: no header, configuration or list of ours comes near."""
_BESIDE = re.compile(r"\.(?P<name>.+)\.[0-9a-f]{16}\.beside")
_OPENING = os.O_CLOEXEC | getattr(os, "O_NOFOLLOW", 0)


def checksum(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


@contextmanager
def storing(what: Path) -> Iterator[None]:
    """Turns what the system says about a write into an error that a person can mend."""
    try:
        yield
    except OSError as error:
        raise StorageError(
            f"{what}: could not be written ({error.strerror or error}); make room or mend the folder, then try again"
        ) from error


def write_whole(path: Path, content: bytes) -> None:
    """Write beside and rename: readers see the old file or the new one, never a torn one; two writers never meet.

    A link in the place of the file is replaced, not followed.
    """
    own = os.fsdecode(os.fsencode(path.name)[:100])  # a name that fills what the system permits still has one beside
    beside = path.with_name(f".{own}.{uuid4().hex[:16]}.beside")
    with storing(path):
        try:
            with open(os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL | _OPENING, 0o666), "wb") as file:
                file.write(content)
                file.flush()
                os.fsync(file.fileno())
            os.replace(beside, path)
        except OSError:
            with suppress(OSError):
                beside.unlink(missing_ok=True)
            raise


def is_beside(name: str, of: str | None = None) -> bool:
    """Whether a file of this name is one that `write_whole` had not renamed yet (to the name `of`)."""
    found = _BESIDE.fullmatch(name)
    return found is not None and of in (None, found["name"])


def kind_of(path: Path) -> str:
    """`file`, `folder`, `link`, `nothing`, or `something else`; nothing is followed."""
    try:
        mode = os.lstat(path).st_mode
    except (FileNotFoundError, NotADirectoryError):
        return "nothing"
    named = {stat.S_IFREG: "file", stat.S_IFDIR: "folder", stat.S_IFLNK: "link"}
    return named.get(stat.S_IFMT(mode), "something else")


def read_whole(path: Path, most: int | None = None) -> bytes:
    """The content of a plain file.

    Raises:
      OSError: if there is none, or it is a pipe or a device (which might never end), or of more than `most` bytes.
    """
    with open(os.open(path, os.O_RDONLY | os.O_CLOEXEC | getattr(os, "O_NONBLOCK", 0)), "rb") as file:
        status = os.fstat(file.fileno())
        if not stat.S_ISREG(status.st_mode):
            raise OSError(errno.EINVAL, "it is no plain file", str(path))
        if most is not None and status.st_size > most:
            raise OSError(errno.EFBIG, f"it has {status.st_size} bytes, more than {most}", str(path))
        return file.read()


def sealed(values: Mapping[str, Any]) -> bytes:
    """Plain values as a JSON file that carries its own checksum."""
    return (json.dumps({**values, "sum": _sum(values)}, indent=2, allow_nan=False) + "\n").encode()


def unsealed(path: Path) -> dict[str, Any]:
    """The plain values of such a file, without the checksum; one that never had a checksum is taken as it is.

    Raises:
      OSError, ValueError: saying why it cannot be read, or that it is not what was written.
    """
    return without_seal(table_in(path))


def without_seal(values: dict[str, Any]) -> dict[str, Any]:
    """The values without their checksum, if it is theirs.

    Raises:
      ValueError: if it is not.
    """
    kept = values.pop("sum", None)
    if kept not in (None, _sum(values)):
        raise ValueError("its checksum is another: it is not what was written")
    return values


def table_in(path: Path) -> dict[str, Any]:
    """The table of plain values in a JSON file.

    Raises:
      OSError, ValueError: saying why it cannot be read.
    """
    try:
        values = json.loads(read_whole(path, LARGEST_TEXT), parse_constant=_refuse)
    except RecursionError:
        raise ValueError("it is nested too deeply") from None
    if not isinstance(values, dict):
        raise ValueError("it holds no table of values")
    return values


def _sum(values: Mapping[str, Any]) -> str:
    plain = {name: value for name, value in values.items() if name != "sum"}
    return checksum(json.dumps(plain, sort_keys=True, separators=(",", ":")).encode())


def _refuse(constant: str) -> None:
    raise ValueError(f"{constant} is no number of JSON")


def remove_tree(folder: Path) -> None:
    """Remove a folder of ours; where a link stands in its place, the link."""
    with storing(folder):
        if kind_of(folder) == "folder":
            shutil.rmtree(folder)
        else:
            folder.unlink(missing_ok=True)


# -- a folder of the user's ----------------------------------------------------------------------------------------


def write_pages(folder: Path, pages: Mapping[str, bytes], flag: str) -> list[str]:
    """Write pages (Markdown, SVG, HTML) into a folder, which is made: over our own of before, and over nothing else.

    Each ends with a comment that holds its checksum: so it is known as ours, unchanged, wherever it was copied to.
    Arguments, value and errors as of `write_ours`.
    """
    _make(folder, pages, flag)
    for name in pages:
        if not (kind_of(folder / name) == "nothing" or _is_signed(_content_of(folder / name))):
            raise _in_the_way(folder / name, flag)
    for name, page in pages.items():
        write_whole(folder / name, _signed(page))
    return [str(folder / name) for name in pages]


def _signed(page: bytes) -> bytes:
    page = page.rstrip() + b"\n"
    return page + f"<!-- as mesocosm wrote it: {checksum(page)} -->\n".encode()


def _is_signed(content: bytes) -> bool:
    page, newline, _ = content.rstrip().rpartition(b"\n")
    return content == _signed(page + newline)


def write_ours(folder: Path, files: Mapping[str, bytes], flag: str) -> list[str]:
    """Write files into a folder, which is made: over our own of before as we wrote them, and over nothing else.

    Args:
      files: content by name.
      flag: of the command line, by which another folder is named.

    Returns:
      Their paths.

    Raises:
      FolderError: if the folder cannot be made, or something in it is in the way. Then nothing is written.
      StorageError: if a file cannot be written.
    """
    _make(folder, files, flag)
    with _alone(folder):
        listed = _listed(folder)
        for name in files:
            there = checksum(_content_of(folder / name))
            if not (kind_of(folder / name) == "nothing" or there in listed.get(name, ())):
                raise _in_the_way(folder / name, flag)
            listed[name] = {there, checksum(files[name])}  # both: a kill may come between the list and the file
        lines = sorted(f"{total}  {name}" for name, totals in listed.items() for total in totals)
        write_whole(folder / LIST, ("\n".join(lines) + "\n").encode("utf-8", "surrogateescape"))
        for name, content in files.items():
            write_whole(folder / name, content)
    return [str(folder / name) for name in files]


def _make(folder: Path, names: Iterable[str], flag: str) -> None:
    for name in names:
        if os.path.basename(name) != name or name in ("", ".", ".."):
            raise FolderError(f"{folder}: {name!r} is no name of a file in it")
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise FolderError(f"{folder}: cannot be made ({error.strerror}); choose another with {flag}") from None


def _in_the_way(path: Path, flag: str) -> FolderError:
    return FolderError(
        f"{path}: is there already, and is not what mesocosm wrote; move it, or choose another folder with {flag}"
    )


def _content_of(path: Path) -> bytes:
    """What a file holds; nothing where it is none, or cannot be read."""
    try:
        return read_whole(path) if kind_of(path) == "file" else b""
    except OSError:
        return b""


@contextmanager
def _alone(folder: Path) -> Iterator[None]:
    """One at a time: two that write at once would each forget what the other listed."""
    number = -1
    with suppress(ImportError, OSError):  # where there are no such locks, or the folder may not be read
        import fcntl

        number = os.open(folder, os.O_RDONLY | os.O_CLOEXEC)
        fcntl.flock(number, fcntl.LOCK_EX)
    try:
        yield
    finally:
        if number >= 0:
            os.close(number)


def _listed(folder: Path) -> dict[str, set[str]]:
    """Checksums by name, as the list in the folder says."""
    out: dict[str, set[str]] = {}
    try:
        lines = read_whole(folder / LIST, LARGEST_TEXT).decode("utf-8", "surrogateescape").splitlines()
    except OSError:
        return out
    for line in lines:
        total, gap, name = line.partition("  ")
        if gap:
            out.setdefault(name, set()).add(total)
    return out
