"""The world `soup`: byte programs that run on each other's tape.

Its law is stated to the last bit in `docs/worlds/soup.md`. Import `parameters` and `language` for what can be set (no
jax), and `law` for the physics.
"""
