"""Sounds as spectra, made from nothing: classes are voices, a pattern of formants and a way in which the pitch moves.

A sound is a stack of harmonics on a fundamental, whose strengths follow the formants of its class (a source and a
filter, as in G. Fant, "Acoustic theory of speech production", 1960). From one sound of a class to the next the pitch is
another one, by up to half an octave either way, so are tempo and loudness, and there is noise. What is heard is the
logarithm of the energy in bands that are evenly spaced in log frequency, frame after frame.
"""

from __future__ import annotations

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float32

from mesocosm.tasks.streams import Stream
from mesocosm.tasks.variety import as_images

HARMONICS = 24
FORMANTS = 2
LOW, HIGH = 2.0, 6.5
"""The first and the last band, in octaves above 25 Hz: 100 Hz to 2.3 kHz."""


def draw_sounds(key: Array, n: int, classes: int, bands: int, frames: int = 1, noise: float = 0.05) -> Stream:
    """A task of `n` sounds [frames x bands], each standardised. `key` is consumed."""
    k_label, k_formant, k_glide, k_pitch, k_tempo, k_noise = jax.random.split(key, 6)
    labels = jax.random.randint(k_label, (n,), 0, classes)
    formants = jax.random.uniform(k_formant, (classes, FORMANTS), minval=LOW + 1, maxval=HIGH)
    glides = jax.random.uniform(k_glide, (classes,), minval=-1.0, maxval=1.0)
    pitch = jax.random.uniform(k_pitch, (n,), minval=LOW - 0.5, maxval=LOW + 0.5)
    tempo = jnp.exp2(jax.random.uniform(k_tempo, (n,), minval=-0.5, maxval=0.5))
    time = jnp.arange(frames, dtype=jnp.float32) / max(frames - 1, 1)
    fundamental = pitch[:, None] + (glides[labels] * tempo)[:, None] * time[None, :]
    energy = spectra(fundamental, formants[labels], bands)
    return Stream(
        as_images(jnp.log(energy + noise * jax.random.exponential(k_noise, energy.shape)).reshape(n, -1)), labels
    )


def spectra(
    fundamental: Float32[Array, "n frames"], formants: Float32[Array, "n formants"], bands: int
) -> Float32[Array, "n frames bands"]:
    """Energy in each band of harmonics on a fundamental that are as strong as formants (both in octaves) make them."""
    harmonics = jnp.arange(1, HARMONICS + 1, dtype=jnp.float32)
    at = fundamental[:, :, None] + jnp.log2(harmonics)[None, None, :]
    away = (at[..., None] - formants[:, None, None, :]) / 0.35
    strength = jnp.sum(jnp.exp(-0.5 * away**2), axis=-1) + 0.02
    middles = jnp.linspace(LOW, HIGH, bands)
    width = (HIGH - LOW) / bands
    heard = jnp.exp(-0.5 * ((middles[None, None, None, :] - at[..., None]) / width) ** 2)
    return jnp.sum(strength[..., None] * heard, axis=2)


__all__ = ["draw_sounds", "spectra"]
