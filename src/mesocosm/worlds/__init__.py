"""Laws of nature, one folder each: physics of many bodies, in integers. Importing a world's parameters loads no jax."""
