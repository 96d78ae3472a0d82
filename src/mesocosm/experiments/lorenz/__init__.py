"""The Lorenz system: the experiment in floating point."""
