"""Every field of every configuration says what it is: that is its help on the command line."""

import ast
import dataclasses
import inspect
import itertools
import textwrap
import typing

import pytest

from mesocosm.protocol.registry import SHELF, declaration


def documented(cls: type) -> set[str]:
    """Fields that a documentation string follows, here or in a parent."""
    out = set()
    for base in filter(dataclasses.is_dataclass, cls.__mro__):
        body = ast.parse(textwrap.dedent(inspect.getsource(base))).body[0].body
        for field, after in itertools.pairwise(body):
            said = after.value if isinstance(after, ast.Expr) else None
            if isinstance(field, ast.AnnAssign) and isinstance(said, ast.Constant) and str(said.value).strip():
                out.add(field.target.id)
    return out


def silent(cls: type, prefix: str = "") -> list[str]:
    """Fields that say nothing; a table of fields may leave that to its class."""
    out, said = [], documented(cls)
    for name, hint in typing.get_type_hints(cls).items():
        if dataclasses.is_dataclass(hint):
            out += silent(hint, f"{prefix}{name}.")
        elif name not in said:
            out.append(prefix + name)
    return out


@pytest.mark.parametrize("name", [*SHELF.own(), "assay"])
def test_every_field_says_what_it_is(name):
    assert not silent(declaration(name).configuration)
