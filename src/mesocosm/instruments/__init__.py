"""Measures: folds and logs inside the loop; analyses over records outside it (`analysis`, which imports no jax)."""
