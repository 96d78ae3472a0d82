"""A world goes forward, is turned round, and comes back: `docs/worlds/reversible.md`, section 8.

Beside it lies a *tape*, the record that the world writes of itself: in every tick what happens at one place is written
into the next cell, by exclusive or. Writing is a collision like any other, so the tape is turned round with the world,
and unwritten on the way back.
"""

from __future__ import annotations

from dataclasses import replace
from typing import ClassVar

import equinox as eqx
import jax.numpy as jnp
from jax import lax
from jaxtyping import Array, Bool, Int32, UInt32

from mesocosm.core import Bits, Events, Experiment, Log, Scene, Setup, Tick
from mesocosm.experiments.arrow_of_time.declaration import ArrowConfiguration
from mesocosm.record.about import About
from mesocosm.worlds.reversible.build import world_of
from mesocosm.worlds.reversible.world import PER_BIT, World, wrong_bits

TAPE, FLIPPED = 128, 129
"""Purposes of random bits."""
CURVES = (("entropy", About("bits")), ("wrong_bits", About("bits")), ("rise", About("bits")))
"""What is drawn first beneath the slider of time."""


class State(eqx.Module):
    """A world with its tape, and both as they were founded.

    Args:
      clock: ticks since the founding.
      is_back: whether time has been turned round.
    """

    now: UInt32[Array, "..."]
    tape: UInt32[Array, " cells"]
    clock: Int32[Array, ""]
    is_back: Bool[Array, ""]
    start: UInt32[Array, "..."]
    blank: UInt32[Array, " cells"]


class Arrow(Experiment):
    """A law of motion out of any reversible world.

    Args:
      is_prepared: whether worlds are founded far from equilibrium.
      is_blank: whether nothing stands on the tape at first; else lots.
      turn: the tick before which time is turned round; 0: never.
      is_whole: whether by the reversor `V C`; else by V alone, the velocities.
      flips: bits flipped at that moment.
      film_every: ticks between frames of the film of coarse cells on the way there; 0: none.
    """

    exact: ClassVar[bool] = True
    world: World
    is_prepared: Bool[Array, ""]
    is_blank: Bool[Array, ""]
    by_chance: Bool[Array, ""]
    is_whole: Bool[Array, ""]
    turn: Int32[Array, ""]
    flips: Int32[Array, ""]
    n_cells: int = eqx.field(static=True)
    film_every: int = eqx.field(static=True)

    def init(self, bits: Bits) -> State:
        now = self.world.found(bits, self.is_prepared)
        lots = bits.of(jnp.arange(self.n_cells, dtype=jnp.uint32), TAPE)[0]
        tape = jnp.where(self.is_blank, jnp.uint32(0), lots)
        return State(now, tape, jnp.int32(0), jnp.bool_(False), now, tape)

    def tick(self, bits: Bits, state: State) -> tuple[State, Tick]:
        is_turn = (self.turn > 0) & (bits.tick == self.turn)
        both = state.now, state.tape
        now, tape = lax.cond(is_turn, lambda: self.turned_round(bits, *both), lambda: both)
        tape, flows = self.write(now, tape, bits.tick)
        now = self.world.step(bits, now, self.by_chance)
        is_back = state.is_back | is_turn
        return State(now, tape, bits.tick + 1, is_back, state.start, state.blank), Tick(flows, self.film(bits, now))

    # -- turning round -----------------------------------------------------------------------------------------------

    def turned_round(
        self, bits: Bits, now: UInt32[Array, "..."], tape: UInt32[Array, " cells"]
    ) -> tuple[UInt32[Array, "..."], UInt32[Array, " cells"]]:
        """The reversor, for the world and its tape together; then the disturbance."""
        now, tape = self.reversed(now, tape, bits.tick)
        return self.world.flipped(now, bits.of(jnp.uint32(0), FLIPPED)[0], self.flips), tape

    def reversed(
        self, now: UInt32[Array, "..."], tape: UInt32[Array, " cells"], clock: Int32[Array, ""]
    ) -> tuple[UInt32[Array, "..."], UInt32[Array, " cells"]]:
        back = lax.cond(self.is_whole, lambda: self.world.reversed(now), lambda: self.world.turned(now))
        return back, self.write(now, tape, clock)[0]

    # -- the tape ----------------------------------------------------------------------------------------------------

    def cell(self, clock: Int32[Array, ""]) -> Int32[Array, ""]:
        """The cell that is written next: onward on the way there, backward on the way back."""
        is_back = (self.turn > 0) & (clock >= self.turn)
        return jnp.where(is_back, 2 * self.turn - clock, clock) % self.n_cells

    def write(
        self, now: UInt32[Array, "..."], tape: UInt32[Array, " cells"], clock: Int32[Array, ""]
    ) -> tuple[UInt32[Array, " cells"], dict[str, Int32[Array, ""]]]:
        """The tape with what happens now in its cell; and how far the cell agreed with it, before and after.

        Flows count bits: set in what happens, in the cell before and after, and in both.
        """
        at, seen = self.cell(clock), self.world.probe(now)
        before = tape[at]
        after = before ^ seen
        words = {
            "seen": seen,
            "before": before,
            "before_seen": before & seen,
            "after": after,
            "after_seen": after & seen,
        }
        flows = {name: lax.population_count(word).astype(jnp.int32) for name, word in words.items()}
        return tape.at[at].set(after), flows

    # -- what may be seen --------------------------------------------------------------------------------------------

    def film(self, bits: Bits, now: UInt32[Array, "..."]) -> dict[str, Events]:
        """How many are in each coarse cell, now and then."""
        clock = bits.tick + 1
        is_due = jnp.bool_(False)
        if self.film_every:
            is_due = (clock % self.film_every == 0) & ((self.turn == 0) | (clock <= self.turn))
        empty = jnp.zeros(self.world.counts_shape(), jnp.int32)
        short = jnp.uint16 if self.world.table.size <= 1 << 16 else jnp.int32  # the table has an entry for each count
        cells = lax.cond(is_due, lambda: self.world.counts(now), lambda: empty).astype(short)
        return {"film": Events(is_due[None], {"clock": clock[None], "cells": cells[:, None]})}

    def scene(self, state: State) -> Scene:
        world = self.world
        back, unwritten = self.reversed(state.now, state.tape, state.clock)
        now = jnp.where(state.is_back, back, state.now)
        tape = jnp.where(state.is_back, unwritten, state.tape)
        entropy, first = world.entropy(state.now), world.entropy(state.start)
        curves = {
            "entropy": entropy.astype(jnp.float32) / PER_BIT,
            "wrong_bits": wrong_bits(now, state.start) + wrong_bits(tape, state.blank),
            "rise": (entropy - first).astype(jnp.float32) / PER_BIT,
            "apart": world.apart(now, state.start),
            **world.conserved(state.now),
        }
        return replace(world.picture(state.now), curves=curves, about=CURVES)


def build(configuration: ArrowConfiguration) -> Setup:
    c = configuration
    law = Arrow(
        world_of(c.law, c.gas, c.ring, c.urn, c.discs, c.planets),
        jnp.bool_(c.start == "prepared"),
        jnp.bool_(c.tape_start == "blank" or (c.tape_start == "as the world" and c.start == "prepared")),
        jnp.bool_(c.collisions == "chance"),
        jnp.bool_(c.reversor == "whole"),
        jnp.int32(c.turn),
        jnp.int32(c.flips),
        c.tape,
        c.film_every,
    )
    film = Log("film", "film", (("clock", "clock"), ("cells", "cells")))
    return Setup(law, logs=(film,) if c.film_every else ())
