"""What an experiment says of itself, and how that becomes a run in a folder. Declarations load no jax."""
