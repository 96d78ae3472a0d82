"""Where programs run, and what becomes of compiled ones: in a process that lives long, and on a disk.

Linux grants a process so many memory maps, and a program takes thousands. Past the limit (`vm.max_map_count`, 65,530
unless an administrator raised it) XLA ends the process with a segmentation fault. Programs that are forgotten are
compiled anew, or fetched from the persistent cache, when they are needed.
"""

from __future__ import annotations

import gc
import glob
import os
import warnings
import zlib
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import jax

from mesocosm.record.errors import MesocosmError

_MAPS, _MOST = "/proc/self/maps", "/proc/sys/vm/max_map_count"


_elsewhere: list[Callable[[], None]] = []


def also_forgets(forget: Callable[[], None]) -> Callable[[], None]:
    """A function that `make_room` calls too, as it has to be wherever programs are held besides in jax's own caches."""
    _elsewhere.append(forget)
    return forget


def make_room(share: float = 0.5) -> bool:
    """Forget all compiled programs if more than this share of the permitted maps is taken.

    Returns:
      Whether they were forgotten. Never where the system keeps no such count.
    """
    _mend_the_cache()
    try:
        with open(_MAPS, "rb") as maps, open(_MOST, "rb") as most:
            if sum(1 for _ in maps) <= share * int(most.read()):
                return False
    except (OSError, ValueError):
        return False
    jax.clear_caches()
    for forget in _elsewhere:
        forget()
    gc.collect()
    return True


def devices() -> list[Any]:
    """The devices that jax has.

    Raises:
      MesocosmError: if it has none, as where the environment names a platform that is not here.
    """
    try:
        return jax.devices()
    except (RuntimeError, AssertionError) as error:  # of an unknown platform some versions say nothing at all
        asked = os.environ.get("JAX_PLATFORMS")
        named = f" under JAX_PLATFORMS={asked!r}; unset it, or name one that is here, such as cpu" if asked else ""
        raise MesocosmError(
            f"jax finds no device{named} ({str(error).split(':')[0] or 'it does not say why'})"
        ) from None


_TORN = "Error reading persistent compilation cache entry for "


@cache
def _mend_the_cache() -> None:
    """From now on, a kept program that is torn is forgotten, and kept anew when it is compiled.

    jax writes an entry in place and never over one that is there: what a kill or a full disk cut off would be read,
    warned of and compiled again in every run.
    """
    show = warnings.showwarning

    def mend(message: Any, *rest: Any, **more: Any) -> None:
        kept = getattr(jax.config, "jax_compilation_cache_dir", None)
        if kept and str(message).startswith(_TORN):
            module = [*str(message).removeprefix(_TORN).split("'"), "", ""][1]
            if module and forget_torn(Path(kept), module):
                return
        show(message, *rest, **more)

    warnings.showwarning = mend


def forget_torn(folder: Path, module: str) -> int:
    """Remove the kept programs of this name that cannot be unpacked; how many there were."""
    n = 0
    for path in folder.glob(f"{glob.escape(module)}-*-cache"):
        try:
            if _is_torn(path.read_bytes()):
                path.unlink()
                n += 1
        except OSError:
            continue
    return n


def _is_torn(content: bytes) -> bool:
    """By the two ways in which jax packs: zstandard where it is installed, else zlib."""
    try:
        if content.startswith(b"\x28\xb5\x2f\xfd"):
            import zstandard  # type: ignore[import-not-found]

            zstandard.ZstdDecompressor().decompress(content)
            return False
        zlib.decompress(content)
    except ImportError:
        return False
    except Exception:  # each library has errors of its own
        return True
    return False
