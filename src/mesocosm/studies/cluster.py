"""A study on many machines: jobs of a cluster that share one store, each the same command as on one machine.

Runners on one store keep out of each other's way by locks, and what one has measured no other measures again
(`mesocosm.studies.runner`): so a job is a runner, and a job that is cancelled, or a node that dies, costs its
unfinished cells a second try by the others or by the next call. Slurm's arrays are written by submitit. No jax.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mesocosm.record import ConfigurationError, needs

PLACES = ("slurm", "local")
"""Clusters of submitit: Slurm, and processes of this machine that stand for it."""
_LOOK_EVERY = 1.0  # seconds between counts of what is done


@dataclass(frozen=True)
class Cluster:
    """Where the jobs of a study run.

    Args:
      place: one of `PLACES`.
      nodes: jobs, a node each.
      cores: of a job, a worker each.
      minutes: of wall time that a job may take.
      megabytes: of memory of a job; 0: as the cluster gives.
      partition: of Slurm; empty: its default.
    """

    place: str = "slurm"
    nodes: int = 2
    cores: int = 1
    minutes: int = 60
    megabytes: int = 0
    partition: str = ""


def submit(command: Sequence[str], cluster: Cluster, folder: Path) -> list[Any]:
    """Give the cluster as many jobs of this command as there are nodes: one array where it is Slurm.

    Args:
      folder: where scripts and what jobs print are kept; every node must see it.

    Raises:
      MissingPackage: where submitit is missing.
      ConfigurationError: where there is no such cluster here.
    """
    executor = executor_of(cluster, folder)
    from submitit.helpers import CommandFunction  # type: ignore[import-not-found]

    one = CommandFunction(list(command), verbose=False)
    with executor.batch():
        return [executor.submit(one) for _ in range(cluster.nodes)]


def executor_of(cluster: Cluster, folder: Path) -> Any:
    """Submitit's executor for this cluster. Errors as of `submit`."""
    with needs(f"--on {cluster.place}", "machines"):
        import submitit  # type: ignore[import-not-found]
    try:
        executor = submitit.AutoExecutor(folder=folder, cluster=cluster.place)
    except (RuntimeError, ValueError) as error:
        raise ConfigurationError(
            f"--on {cluster.place}: is not here ({error}); run it where `sbatch` is known"
        ) from None
    executor.update_parameters(name="mesocosm", timeout_min=cluster.minutes, cpus_per_task=cluster.cores)
    if cluster.place == "slurm":
        more: dict[str, Any] = {"slurm_array_parallelism": cluster.nodes}
        more |= {"slurm_partition": cluster.partition} if cluster.partition else {}
        more |= {"mem_gb": -(-cluster.megabytes // 1024)} if cluster.megabytes else {}
        executor.update_parameters(**more)
    return executor


def wait(jobs: Sequence[Any], missing: Callable[[], int], progress: Callable[[int, int], None] | None) -> list[str]:
    """Wait until all jobs have ended; why those failed that failed, a line each.

    Args:
      missing: counts the cells that are still to be measured.
    """
    n = missing()
    while not all(job.done() for job in jobs):
        if progress:
            progress(n - missing(), n)
        time.sleep(_LOOK_EVERY)
    if progress and n:
        progress(n - missing(), n)
    return [f"job {job.job_id}: {_last_words(job, error)}" for job in jobs if (error := job.exception()) is not None]


def _last_words(job: Any, error: Exception) -> str:
    """What a job raised; else what submitit says of it."""
    text = f"{job.stderr() or ''}\n{error}"
    raised = re.findall(r"^[\w.]*(?:Error|Exception|Interrupt|Exit)\b: (.+)$", text, re.MULTILINE)
    return (raised or [line for line in text.splitlines() if line.strip()])[-1].strip()[:200]
