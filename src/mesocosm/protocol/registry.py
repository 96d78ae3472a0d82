"""Which experiments there are: our own folders, entry points of other packages, a file beside you, a module's object.

    chemotaxis                  a folder in `mesocosm.experiments`, or an entry point `mesocosm.experiments`
    moran.py, moran.py:WRIGHT   a Python file with a Declaration
    package.module:NAME         the same in an installed module

Nothing else lists names. Nothing is imported before it is asked for. No jax, unless somebody's file imports it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING

from mesocosm.protocol.declaration import Declaration
from mesocosm.protocol.outside import blamed_on, file_of, is_raised_in, load_file, load_module, one_in, package_of
from mesocosm.protocol.reach import tree_of
from mesocosm.protocol.shelf import Shelf
from mesocosm.protocol.trust import TRUST, is_ours
from mesocosm.record import ConfigurationError, FolderError, MesocosmError

if TYPE_CHECKING:
    from mesocosm.record import Record

SHELF = Shelf("mesocosm.experiments", "experiment", "moran.py", requires="declaration")
"""Our own folders with a declaration, and entry points of other packages: NAME = "package.module:DECLARATION"."""
FOLLOWING = {"assay": "mesocosm.ecology.assay"}
"""What is run only after another run, and stands in no list."""


@dataclass(frozen=True)
class Entry:
    """An experiment and where it comes from.

    Args:
      reference: finds it again from anywhere: its name, `/path/moran.py:NAME`, `package.module:NAME`.
      module: its code, where that is not our own.
    """

    declaration: Declaration
    reference: str
    module: ModuleType | None = None

    @property
    def file(self) -> Path | None:
        return None if self.module is None or self.module.__file__ is None else Path(self.module.__file__)

    @property
    def code(self) -> dict[str, str]:
        """What the header of a run says of its code; nothing for our own, whose version stands there already."""
        if self.module is None:
            return {}
        package, version = package_of(self.module)
        digest = tree_of(self.file) if self.file else ""
        return {"reference": self.reference, "package": package, "version": version, "digest": digest}

    @property
    def folder(self) -> str:
        """The package of one of our own experiments: `declaration` and `system` lie in it."""
        return FOLLOWING.get(self.declaration.name, SHELF.module(self.declaration.name))

    @property
    def place(self) -> str:
        return str(self.file or self.reference)

    @contextmanager
    def blamed(self, doing: str, is_all_theirs: bool = True) -> Iterator[None]:
        """What code from outside raises becomes one sentence that names its file; a fault of our own stays what it is.

        Args:
          is_all_theirs: whether nothing but that code is called here.
        """
        try:
            yield
        except ConfigurationError as error:
            if self.file is None or str(self.file) in str(error):
                raise
            raise ConfigurationError(f"{self.file}: {error}") from error
        except MesocosmError:
            raise
        except Exception as error:
            if self.file is None or not (is_all_theirs or is_raised_in(self.file, error)):
                raise
            with blamed_on(self.file, doing):
                raise


def names() -> tuple[str, ...]:
    """What can be run by its name alone: our own experiments, then those of installed packages. Imports none."""
    return SHELF.names()


def declaration(reference: str) -> Declaration:
    """The declaration of an experiment. Errors as of `find`."""
    return find(reference).declaration


def find(reference: str) -> Entry:
    """An experiment by name, file or module.

    Raises:
      ConfigurationError: if there is no such experiment, offering the nearest name, or its code cannot be loaded.
      MissingError: if its code needs a package that is not here.
    """
    if not isinstance(reference, str):
        raise ConfigurationError(f"{reference!r}: an experiment is known by its name, one of {', '.join(names())}")
    if (named := file_of(reference)) is not None:
        return _in_file(*named)
    if ":" in reference:
        return _in_module(reference)
    if reference in FOLLOWING or reference in SHELF.own():
        folder = FOLLOWING.get(reference, SHELF.module(reference))
        return Entry(import_module(f"{folder}.declaration").DECLARATION, reference)
    if (point := SHELF.installed().get(reference)) is not None:
        return _in_module(point.value)
    raise SHELF.unknown(reference)


def is_known(reference: str) -> bool:
    """Whether this is meant as an experiment: a known name, a Python file, a module's object. Imports none."""
    if reference in names():
        return True
    return file_of(reference) is not None or (":" in reference and "/" not in reference)


def declares_one(reference: str) -> bool:
    """Whether this names an experiment, or the text of this file or module declares one. Runs no experiment."""
    if reference in names():
        return True
    path, _ = file_of(reference) or (None, "")
    if path is None and ":" in reference:
        try:
            spec = find_spec(reference.partition(":")[0])
        except (ImportError, ValueError):
            return False
        path = Path(spec.origin) if spec and spec.origin else None
    try:
        return path is not None and bool(re.search(r"\bDeclaration\(", path.read_text("utf-8", "replace")))
    except OSError:
        return False


def entry_of(record: Record) -> Entry:
    """The experiment that a record is a run of.

    Raises:
      FolderError: if its code is gone or can no longer be loaded.
    """
    try:
        return find(_as_written(record))
    except MesocosmError as error:
        name = record.header["experiment"]
        raise FolderError(f"{record.folder}: the code of {name} cannot be used: {error}") from error


def _as_written(record: Record) -> str:
    """The reference of a record, if a run of this account has written it: a folder that was received runs no code.

    Raises:
      ConfigurationError: where the record does not say what code that is, or was written elsewhere.
    """
    code = record.header.get("code")
    if code is None:
        name = record.header["experiment"]
        if file_of(name) is not None or ":" in name:
            raise ConfigurationError(f"{name}: the record does not say what code that is, and it is not run")
        return name
    reference = str(code.get("reference", ""))
    if not is_ours(code):
        raise ConfigurationError(
            f"{reference}: the run was made by another account or on another machine, and code that it names is not "
            f"run by opening it; {TRUST}=1 before the command says that you trust it"
        )
    if (named := file_of(reference)) is not None and named[0].is_file():  # before any of it is run
        now, then = tree_of(named[0].resolve()), code.get("digest")
        if now != then:
            raise ConfigurationError(
                f"{named[0]} has changed since this run was begun (its digest was {then}, it is {now}); bring the old "
                "code back, or run it anew with another --out"
            )
    return reference


def declaration_of(record: Record) -> Declaration:
    """What a run's experiment declares; what the record holds of it where the code is gone (see `trouble_with`)."""
    try:
        return entry_of(record).declaration
    except FolderError:
        from mesocosm.protocol.recorded import as_recorded

        return as_recorded(record)


def trouble_with(record: Record) -> str:
    """Why a run from outside is shown from its record alone: its code is gone, has changed, or is not to be run; empty
    where it is not."""
    try:
        entry_of(record)
    except FolderError as error:
        return f"Shown from the record alone: {error}"
    return ""


def _in_file(path: Path, wanted: str) -> Entry:
    if not path.is_file():
        raise ConfigurationError(f"{path}: is no file; name a Python file with a Declaration")
    module = load_file(path)
    known, declared = one_in(module, Declaration, wanted, str(path))
    return Entry(declared, f"{path.resolve()}:{known}", module)


def _in_module(reference: str) -> Entry:
    dotted, _, wanted = reference.partition(":")
    module = load_module(dotted)
    if module.__name__.startswith("mesocosm."):
        return Entry(one_in(module, Declaration, wanted, dotted)[1], reference)
    known, declared = one_in(module, Declaration, wanted, dotted)
    return Entry(declared, f"{dotted}:{known}", module)
