"""The replay: recorded worlds as compact bytes, and the player in plain JavaScript that draws them. NumPy, no jax."""
