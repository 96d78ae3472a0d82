"""Reports: from what an experiment tells of a run to one HTML file that needs nothing else. No jax."""
