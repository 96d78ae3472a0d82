"""The star and planets of REBOUND's test of reversibility, and circles for dust, as the integers of `planets`. NumPy.

`test_janus_reverse` (H. Rein and D. Tamayo, MNRAS 473, 2018): a star of mass 1, G = 1, planets of 1/1000 with
a, e, omega, l of (1.12313, .012, .32643, .3788) and (2.32323, .103, .12314, .1726), steps of 1/4.
"""

from __future__ import annotations

import numpy as np

STEP = 0.25
UNIT = 2.0**26
"""Of a length."""
PLANETS = ((1e-3, 1.12313, 0.012, 0.32643, 0.3788), (1e-3, 2.32323, 0.103, 0.12314, 0.1726))
"""Mass, semi-major axis, eccentricity, argument of the pericentre, mean longitude; Jacobi coordinates."""
MASSES = tuple(round(m * STEP**2 * 2**32) for m in (1.0, *(planet[0] for planet in PLANETS)))
RADII, N_PHASES = (1.5, 1.9), 256
"""The belt of the dust: radii from, to; phases on a circle."""


Elements = tuple[tuple[float, float, float, float, float], ...]


def system(planets: Elements = PLANETS) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Masses [bodies], positions and velocities [bodies, 2] at time 0, the centre of mass at rest in the origin."""
    m, x, v = [1.0], [np.zeros(2)], [np.zeros(2)]
    for mass, a, e, omega, longitude in planets:
        total = sum(m)
        centre, drift = (np.average(np.array(w), axis=0, weights=m) for w in (x, v))
        place, speed = _ellipse(total + mass, a, e, omega, longitude - omega)
        m, x, v = [*m, mass], [*x, centre + place], [*v, drift + speed]
    masses, places, speeds = np.array(m), np.array(x), np.array(v)
    rest = (masses[:, None] * np.stack([places, speeds])).sum(axis=1, keepdims=True) / masses.sum()
    return masses, *(np.stack([places, speeds]) - rest)


def _ellipse(gm: float, a: float, e: float, omega: float, anomaly: float) -> tuple[np.ndarray, np.ndarray]:
    """Position and velocity on an ellipse at this mean anomaly, by Newton's method."""
    eccentric = anomaly
    for _ in range(50):
        eccentric -= (eccentric - e * np.sin(eccentric) - anomaly) / (1 - e * np.cos(eccentric))
    c, s, b = np.cos(eccentric), np.sin(eccentric), np.sqrt(1 - e * e)
    place = a * np.array([c - e, b * s])
    speed = np.sqrt(gm / a) / (1 - e * c) * np.array([-s, b * c])
    turn = np.array([[np.cos(omega), -np.sin(omega)], [np.sin(omega), np.cos(omega)]])
    return turn @ place, turn @ speed


def acceleration(x: np.ndarray, sources: np.ndarray, masses: np.ndarray) -> np.ndarray:
    """Newton's law: of bodies at x [bodies, 2], by masses at `sources` [heavy, 2]; who stands there pulls nobody."""
    d = sources[None] - x[:, None]
    square = (d**2).sum(axis=2)
    far = square > 0
    return np.sum(np.where(far, masses / np.where(far, square, 1.0) ** 1.5, 0.0)[..., None] * d, axis=1)


def in_integers(x: np.ndarray, v: np.ndarray) -> np.ndarray:
    """[4, bodies] words: positions half a tick later (a tick is drift, kick, drift), and velocities per tick."""
    return np.rint(UNIT * np.concatenate([(x + STEP / 2 * v).T, STEP * v.T])).astype(np.int64).astype(np.uint32)


def in_numbers(state: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Positions and velocities [bodies, 2] of words [4, bodies], at one time."""
    s = np.asarray(state).astype(np.int32) / UNIT
    return (s[:2] - s[2:] / 2).T, s[2:].T / STEP


def massive(planets: Elements = PLANETS) -> np.ndarray:
    """Star and planets at the start: [4, 3] words."""
    _, x, v = system(planets)
    return in_integers(x, v)


def circles() -> np.ndarray:
    """Places and velocities on circles around the star: [4, radii, phases] words."""
    phase = 2 * np.pi * np.arange(N_PHASES) / N_PHASES
    radius = np.linspace(*RADII, 16)[:, None]
    way = np.stack([np.cos(phase), np.sin(phase)], axis=-1)
    place = (radius[..., None] * way).reshape(-1, 2)
    speed = (radius[..., None] ** -0.5 * np.stack([-way[:, 1], way[:, 0]], axis=-1)).reshape(-1, 2)
    return in_integers(place, speed).reshape(4, 16, N_PHASES)
