"""From a finished search to a rule in one's hands, and to the small file it is kept in."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from mesocosm.experiments.digits.declaration import curves
from mesocosm.protocol.launch import prepare
from mesocosm.protocol.reading import configuration_of
from mesocosm.record import FolderError, Record
from mesocosm.rules.rule import Rule


def rule_of(record: Record, search: int = 0) -> Rule:
    """The rule that a search of a run of `digits` stands for, with how it was made.

    Raises:
      FolderError: if the record is of another experiment, or this search did not come to an end.
    """
    if record.header["experiment"] != "digits":
        raise FolderError(f"{record.folder}: is a run of {record.header['experiment']}; rules come from digits")
    living = np.asarray(record.state["replicate"]).tolist()
    if search not in living:
        raise FolderError(f"{record.folder}: search {search} has no last state; there are {living}")
    configuration = configuration_of(record)
    experiment: Any = prepare("digits", configuration)[0].experiment
    template = jax.eval_shape(experiment.searcher.found, experiment.founder)
    paths, treedef = jax.tree_util.tree_flatten_with_path({"state": {"search": template}})
    names = [jax.tree_util.keystr(path, simple=True, separator=".") for path, _ in paths]
    leaves = [jnp.asarray(record.state[name][living.index(search)]) for name in names]
    centre = experiment.searcher.centre(treedef.unflatten(leaves)["state"]["search"])
    found = curves(record)
    made = {
        "command": f"mesocosm run digits --config config.toml --seed {configuration.seed}",
        "seed": configuration.seed,
        "search": search,
        "generations": record.tick,
        "config": record.config,
        "versions": record.header["versions"],
        "shown": found["shown"].tolist(),
        "accuracy": np.round(found["rule"][search], 4).tolist(),
        "accuracy_of_class_mean": np.round(found["control"][search, -1], 4).tolist(),
    }
    return Rule(configuration.form, experiment.genome(centre), made)


__all__ = ["rule_of"]
