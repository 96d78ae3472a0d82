"""Ecologies: a world, a mind, a heredity and layers put together; and the assays of what evolved in them."""
