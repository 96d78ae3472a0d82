"""The world `petri`: bacteria on a torus, a wandering and jumping source of food and odour.

Its law is stated to the last bit in `docs/worlds/petri.md`. Import `parameters` for the configuration (no jax) and
`law` for the physics.
"""
