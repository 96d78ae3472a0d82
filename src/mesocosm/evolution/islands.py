"""A search's population over processes: islands that judge, one searcher that moves. The same bits as in one process.

Members are judged in blocks of one size, each by the same program wherever it is judged, and the losses come back in
their order: so neither the number of islands nor who was faster is in the result. An island that dies costs its
blocks a second try. No jax here: what an island loads is what its judge needs.
"""

from __future__ import annotations

import multiprocessing
from collections.abc import Callable
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from typing import Any

import numpy as np

from mesocosm.record.errors import MesocosmError

Judge = Callable[..., Any]
"""`(members [block, d], *context) -> losses [block]`; pickled once for each island, so a function of a module, or an
object that builds what it needs when it is first called."""
TRIES = 3
_own: list[Judge] = []


class Islands:
    """Processes that judge.

    >>> with Islands(judge, 4, block=8) as islands:  # doctest: +SKIP
    ...     state, found = searcher.step(key, state, islands.losses(tick))

    Args:
      judge: see `Judge`.
      n: processes; 0: this one.
      block: members that are judged in one call.
    """

    def __init__(self, judge: Judge, n: int, block: int = 8):
        if n < 0 or block < 1:
            raise ValueError(f"n = {n}, block = {block}: there must be 0 or more islands, and blocks of 1 or more")
        self.judge, self.n, self.block = judge, n, block
        self._pool: ProcessPoolExecutor | None = None

    def __enter__(self) -> Islands:
        return self

    def __exit__(self, *_: Any) -> None:
        self.close()

    def close(self) -> None:
        """End the processes."""
        if self._pool is not None:
            self._pool.shutdown(cancel_futures=True)
        self._pool = None

    def losses(self, *context: Any) -> Callable[[Any], Any]:
        """What a searcher asks (`mesocosm.evolution.searcher.Losses`), outside compiled code.

        Args:
          context: passed on to the judge with every block: what is the same for all members, such as a tick.
        """

        def of(members: Any) -> Any:
            import jax.numpy as jnp

            array = np.asarray(members)
            return jnp.asarray(self.judged(array, *context), array.dtype)

        return of

    def judged(self, members: np.ndarray, *context: Any) -> np.ndarray:
        """Losses [members].

        Raises:
          MesocosmError: if a block ended its island three times, or was given another number of losses.
        """
        blocks = [self._whole(members[k : k + self.block]) for k in range(0, len(members), self.block)]
        found: list[Any] = [None] * len(blocks)
        for _ in range(TRIES):
            self._judge_those_missing(blocks, found, context)
            if all(losses is not None for losses in found):
                break
        else:
            raise MesocosmError(
                f"an island died {TRIES} times while it judged; try with n = 0, where the cause is seen"
            )
        for losses in found:
            if losses.shape != (self.block,):
                raise MesocosmError(f"a judge gave losses of the shape {losses.shape} for {self.block} members")
        return np.concatenate(found)[: len(members)]

    def _whole(self, block: np.ndarray) -> np.ndarray:
        """A block of full size: the last member again and again, whose losses nobody reads."""
        return np.concatenate([block, np.repeat(block[-1:], self.block - len(block), axis=0)])

    def _judge_those_missing(self, blocks: list[np.ndarray], found: list[Any], context: tuple[Any, ...]) -> None:
        missing = [k for k, losses in enumerate(found) if losses is None]
        if not self.n:
            for k in missing:
                found[k] = np.asarray(self.judge(blocks[k], *context))
            return
        if self._pool is None:  # spawned: what jax has begun here does not survive a fork
            spawn = multiprocessing.get_context("spawn")
            self._pool = ProcessPoolExecutor(self.n, spawn, _settle, (self.judge,))
        waiting: dict[int, Future[Any]] = {}
        try:
            for k in missing:
                waiting[k] = self._pool.submit(_judge, blocks[k], context)
            for k, answer in waiting.items():
                found[k] = answer.result()
        except BrokenProcessPool:
            self.close()
            for k, answer in waiting.items():
                if answer.done() and not answer.cancelled() and answer.exception() is None:
                    found[k] = answer.result()


def _settle(judge: Judge) -> None:
    """Of a new island: it keeps its judge."""
    _own[:] = [judge]


def _judge(block: np.ndarray, context: tuple[Any, ...]) -> np.ndarray:
    return np.asarray(_own[0](block, *context))


__all__ = ["Islands"]
