"""One encoder for all who show a scene: a running world, a recorded one, a report, a film, a cell of a notebook.

`snapshot` is what is there at a tick, as arrays; `Encoder` turns it into a description and, for each frame, a header
and planes of numbers; `Recording` reads snapshots from a run folder; `bytes` sends frames; a `Panel` is a stretch of
them, which `frames` packs and `reading` reads.
What the numbers stand for comes from `record.about`. NumPy, no jax, and no particular experiment.
"""
