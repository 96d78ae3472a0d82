"""What changes in an ecology: the world, the genomes, what each layer and mind has of bodies."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
from jax.tree_util import GetAttrKey
from jaxtyping import Array, Bool, Int8, Int32

from mesocosm.worlds.petri.state import PetriState


class Memory(eqx.Module):
    """What each body has yet to learn from: what it read, did and met in the last tick. Only where minds learn."""

    is_full: Bool[Array, " n"]
    seen: Int32[Array, " n"]
    act: Int32[Array, " n"]
    doings: dict[str, Int32[Array, " n"]]


@jax.tree_util.register_pytree_with_keys_class
@dataclass(frozen=True)
class EcologyState:
    """One replicate. In checkpoints a layer's arrays go by the name of the layer: `state.elements.strain`."""

    world: PetriState
    genomes: Int8[Array, "2 loci n"]  # strand 0 expressed, strand 1 shadow; the last axis is the slot
    owns: Mapping[str, Any] = field(default_factory=dict)  # what each layer has of bodies; the last axis is the slot
    brains: Any = None  # likewise; None where minds need none
    memory: Memory | None = None
    colony: Any = None  # what all minds of the replicate share

    def own(self, layer: str) -> Any:
        """What a layer has of bodies."""
        return self.owns[layer]

    def with_own(self, layer: str, own: Any) -> EcologyState:
        return dataclasses.replace(self, owns={**self.owns, layer: own})

    def with_energy(self, energy: Int32[Array, " n"]) -> EcologyState:
        """With these energies of bodies."""
        bodies = dataclasses.replace(self.world.bodies, energy=energy)
        return dataclasses.replace(self, world=dataclasses.replace(self.world, bodies=bodies))

    def with_field(self, name: str, amounts: Int32[Array, "..."]) -> EcologyState:
        """With another field of the world; `amounts` may be flat."""
        fields = self.world.fields
        changed = {**fields, name: amounts.reshape(fields[name].shape)}
        return dataclasses.replace(self, world=dataclasses.replace(self.world, fields=changed))

    def tree_flatten_with_keys(self) -> tuple[Any, Any]:
        names = tuple(sorted(self.owns))
        parts = {"world": self.world, "genomes": self.genomes, **{name: self.owns[name] for name in names}}
        parts |= {"brains": self.brains, "memory": self.memory, "colony": self.colony}
        return [(GetAttrKey(name), part) for name, part in parts.items()], names

    def tree_flatten(self) -> tuple[Any, Any]:
        keyed, names = self.tree_flatten_with_keys()
        return [part for _, part in keyed], names

    @classmethod
    def tree_unflatten(cls, names: Any, parts: Any) -> EcologyState:
        world, genomes, *owns, brains, memory, colony = parts
        values = (world, genomes, dict(zip(names, owns, strict=True)), brains, memory, colony)
        out = object.__new__(cls)  # leaves may be anything here, so nothing is checked
        for column, value in zip(dataclasses.fields(cls), values, strict=True):
            object.__setattr__(out, column.name, value)
        return out


def taken(own: Any, slots: Int32[Array, " k"]) -> Any:
    """Those of the bodies in these slots; zeros where there is no such slot."""
    return jax.tree.map(lambda x: x.at[..., slots].get(mode="fill", fill_value=0), own)


def put(own: Any, slots: Int32[Array, " k"], given: Any) -> Any:
    """With what is given in these slots; what is given to no slot is dropped."""
    return jax.tree.map(lambda x, new: x.at[..., slots].set(new, mode="drop"), own, given)


def of_the_living(own: Any, alive: Bool[Array, " n"]) -> Any:
    """Zeros in the slots of nobody."""
    return jax.tree.map(lambda x: jnp.where(alive, x, jnp.zeros((), x.dtype)), own)
