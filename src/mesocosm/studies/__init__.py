"""Grids of cells, each one (context, treatment, seed); their store, runner and table. Findings belong to the study."""
