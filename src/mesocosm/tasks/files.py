"""Reading the published files: where they lie, whether they are whole, what is in them. Nothing is downloaded."""

from __future__ import annotations

import gzip
import hashlib
import os
import struct
import zipfile
import zlib
from pathlib import Path

import numpy as np

from mesocosm.tasks.arrays import DataError

VARIABLE = "MESOCOSM_DATA"
"""Names the folder that holds the data sets."""

SHA256 = {
    "mnist/train-images-idx3-ubyte.gz": "440fcabf73cc546fa21475e81ea370265605f56be210a4024d2ca8f203523609",
    "mnist/train-labels-idx1-ubyte.gz": "3552534a0a558bbed6aed32b30c495cca23d567ec52cac8be1a0730e8010255c",
    "mnist/t10k-images-idx3-ubyte.gz": "8d422c7b0a1c1c79245a5bcf07fe86e33eeafee792b84584aec276f5a2dbc4e6",
    "mnist/t10k-labels-idx1-ubyte.gz": "f7ae60f92e00ec6debd23a6088c31dbd2371eca3ffa0defaefb259924204aec6",
    "fashion-mnist/train-images-idx3-ubyte.gz": "3aede38d61863908ad78613f6a32ed271626dd12800ba2636569512369268a84",
    "fashion-mnist/train-labels-idx1-ubyte.gz": "a04f17134ac03560a47e3764e11b92fc97de4d1bfaf8ba1a3aa29af54cc90845",
    "fashion-mnist/t10k-images-idx3-ubyte.gz": "346e55b948d973a97e58d2351dde16a484bd415d4595297633bb08f03db6a073",
    "fashion-mnist/t10k-labels-idx1-ubyte.gz": "67da17c76eaffca5446c3361aaab5c3cd6d1c2608764d35dfb1850b086bf8dd5",
    "omniglot-small/images_background_small1.zip": "f38eb80f801274ac2b4dff5b24289016bfaba4a7d5bb50deebf27104ad6cb8a4",
    "omniglot-small/images_background_small2.zip": "3ccaa407515a8778e5d0861875af38b17e418f301ad5bb3b5a6b65d901a41c7f",
}
"""Every published file that can be read, with its checksum."""


def find(name: str) -> Path:
    """The checked file of this name: in the folder that `MESOCOSM_DATA` names, else in the user's cache.

    Raises:
      DataError: if it is in neither, or is not the published file.
    """
    folders = [Path.home() / ".cache" / "mesocosm"]
    if named := os.environ.get(VARIABLE):
        folders.insert(0, Path(named))
    found = next((folder / name for folder in folders if (folder / name).is_file()), None)
    if found is None:
        places = " or ".join(str(folder) for folder in folders)
        raise DataError(
            f"{name}: is not in {places}. Put the published file (sha256 {SHA256[name]}) there, or name the folder "
            f"that holds it: {VARIABLE}=/path/to/data. Nothing is downloaded."
        )
    if (there := _sha256(found)) != SHA256[name]:
        raise DataError(f"{found}: is not the published file (sha256 {there}, not {SHA256[name]}); fetch it again")
    return found


def _sha256(path: Path) -> str:
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise DataError(f"{path}: cannot be read ({error.strerror})") from None


def read_idx(path: Path) -> np.ndarray:
    """The array of unsigned bytes in a gzipped IDX file.

    Raises:
      DataError: if it is truncated or something else.
    """
    try:
        raw = gzip.decompress(path.read_bytes())
    except (OSError, EOFError, zlib.error) as error:
        raise DataError(f"{path}: is truncated or not gzip ({error}); fetch it again") from None
    if len(raw) < 4 or raw[:3] != b"\0\0\x08":
        raise DataError(f"{path}: is no IDX file of bytes; fetch it again")
    rank = raw[3]
    if len(raw) < 4 + 4 * rank:
        raise DataError(f"{path}: ends within its header; fetch it again")
    shape = struct.unpack(f">{rank}I", raw[4 : 4 + 4 * rank])
    values = np.frombuffer(raw, np.uint8, offset=4 + 4 * rank)
    if values.size != np.prod(shape):
        raise DataError(f"{path}: holds {values.size} numbers where {shape} was announced; fetch it again")
    return values.reshape(shape)


def read_omniglot(path: Path) -> dict[tuple[str, str], np.ndarray]:
    """Drawings by (alphabet, character): bool [drawers, 105, 105], true where there is ink.

    Raises:
      DataError: if the archive is truncated or holds other things.
    """
    drawings: dict[tuple[str, str], list[np.ndarray]] = {}
    try:
        with zipfile.ZipFile(path) as archive:
            for name in sorted(n for n in archive.namelist() if n.endswith(".png")):
                alphabet, character = name.split("/")[-3:-1]
                drawings.setdefault((alphabet, character), []).append(_bitmap(archive.read(name)))
    except (zipfile.BadZipFile, zlib.error, struct.error, ValueError, OSError) as error:
        raise DataError(f"{path}: is truncated or no archive of drawings ({error}); fetch it again") from None
    if not drawings:
        raise DataError(f"{path}: holds no drawings; fetch it again")
    return {key: np.stack(images) for key, images in drawings.items()}


def _bitmap(png: bytes) -> np.ndarray:
    """The ink of a PNG of one bit a pixel, not interlaced, rows unfiltered or filtered by the byte above or before."""
    width, height, depth, colour, _, _, interlaced = struct.unpack(">IIBBBBB", png[16:29])
    if not png.startswith(b"\x89PNG") or (depth, colour, interlaced) != (1, 0, 0):
        raise ValueError("not a PNG of one bit a pixel")
    data, at = b"", 8
    while at < len(png):
        (length,) = struct.unpack(">I", png[at : at + 4])
        if png[at + 4 : at + 8] == b"IDAT":
            data += png[at + 8 : at + 8 + length]
        at += 12 + length
    stride = (width + 7) // 8
    rows = np.frombuffer(zlib.decompress(data), np.uint8).reshape(height, stride + 1)
    if not rows[:, 0].any():  # nothing is filtered: the usual case, and a hundred times faster
        return np.unpackbits(rows[:, 1:], axis=1)[:, :width] == 0
    out = np.zeros((height + 1, stride + 1), np.int64)  # a zero row above and a zero byte before
    for y, (kind, *line) in enumerate(rows.tolist()):
        for i, byte in enumerate(line):
            left, up, corner = int(out[y + 1, i]), int(out[y, i + 1]), int(out[y, i])
            out[y + 1, i + 1] = (byte + _predicted(kind, left, up, corner)) & 0xFF
    return np.unpackbits(out[1:, 1:].astype(np.uint8), axis=1)[:, :width] == 0


def _predicted(kind: int, left: int, up: int, corner: int) -> int:
    """The byte that a PNG filter expects (PNG specification, section 9)."""
    if kind == 4:
        guess = left + up - corner
        return min((left, up, corner), key=lambda v: abs(guess - v))
    return (0, left, up, (left + up) // 2)[kind]


__all__ = ["SHA256", "VARIABLE", "find", "read_idx", "read_omniglot"]
