"""Studies that come with the project: named from anywhere, they need no copy of the repository."""

from __future__ import annotations

from pathlib import Path

_PACKAGE = Path(__file__).parents[1]


def folder() -> Path:
    """Where they lie: in an installed package beside the code, in a working copy where they are written."""
    installed = _PACKAGE / "shipped"
    return installed if installed.is_dir() else _PACKAGE.parents[1] / "studies"


def names() -> list[str]:
    """Their names."""
    return sorted(path.stem for path in folder().glob("*.toml"))


def file_of(word: str) -> Path:
    """The file that is meant: one that is there, or the study that comes along (`swap`, `studies/swap.toml`)."""
    path = Path(word)
    shipped = folder() / f"{path.name.removesuffix('.toml')}.toml"
    if str(path.parent) not in (".", "studies"):  # a place of one's own, perhaps mistyped
        return path
    try:
        return shipped if not path.exists() and shipped.exists() else path
    except OSError:  # what the system takes for no name
        return path
