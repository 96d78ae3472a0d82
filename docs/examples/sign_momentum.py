"""An optimiser that steps by the sign of what gradients were of late: one rate for every weight."""

from mesocosm.studies.component import component


@component(slot="optimiser")
def sign_momentum(rate: float = 0.003, memory: float = 0.9):
    import jax
    import jax.numpy as jnp
    import optax

    def init(params):
        return jax.tree.map(jnp.zeros_like, params)

    def update(updates, state, params=None):
        mean = jax.tree.map(lambda m, g: memory * m + (1 - memory) * g, state, updates)
        return jax.tree.map(lambda m: -rate * jnp.sign(m), mean), mean

    return optax.GradientTransformation(init, update)
