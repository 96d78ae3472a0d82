"""A game of two learners, in floating point: what their learning does."""
