"""The configuration of the school, without jax."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Literal

from mesocosm.record.configuration import Range


@dataclass(frozen=True)
class Schooling:
    """What the rules are asked to learn, and in which nets."""

    source: Literal["digits8", "omniglot", "clouds", "omniglot+clouds", "varied"] = "digits8"
    """Where tasks come from: the 8x8 digits themselves (in-domain), Omniglot, random clouds, or both of these; varied
    is Omniglot, random strokes and random blobs, each drawing slanted, scaled, shifted and thickened by chance."""
    file: str = ""
    """A file of your own instead of `source`: an NPZ with the arrays x [examples, ...] and y [examples]."""
    side: Annotated[int, Range(2, 64, "pixels", "size")] = 8
    """Images are side x side."""
    classes: Annotated[int, Range(2, 100, "classes", "size")] = 10
    """Classes of a task."""
    hidden: Annotated[tuple[int, ...], Range(1, 4096, "neurons", "size")] = ()
    """Neurons in each hidden level."""
    examples: Annotated[int, Range(1, 10000, "examples", "size")] = 50
    """Examples of a task, one after the other, each seen once."""
    tasks: Annotated[int, Range(1, 4096, "tasks", "size")] = 8
    """Tasks of a generation, the same for all its genomes."""
    shown: Annotated[tuple[int, ...], Range(1, 10000, "examples", "switch")] = (5, 10, 20, 50)
    """After how many examples the accuracy on held-out images is measured."""
    judged_tasks: Annotated[int, Range(1, 1024, "tasks", "size")] = 16
    """Held-out tasks on which it is measured, always the same ones."""
    judged_images: Annotated[int, Range(1, 10000, "images", "size")] = 100
    """Held-out images of each."""

    def contradictions(self):
        if tuple(sorted(set(self.shown))) != self.shown or not self.shown:
            yield f"shown = {self.shown}: must rise, one number at least"
