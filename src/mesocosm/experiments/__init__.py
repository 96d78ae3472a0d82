"""Experiments, one folder each: a declaration that loads no jax, and a system that builds the law of motion."""
