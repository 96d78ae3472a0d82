"""Components for tests of studies: good ones, and every kind of bad one."""

import os
import random
import time

import numpy as np

from mesocosm.studies.component import Skipped, component


@component(slot="subject")
def noisy(shift: float = 0.0):
    def draw(seed, budget, level=0.0):
        return random.Random(f"{seed} {level}").gauss(0, 1) + shift + level

    return draw


@component(slot="subject")
def marks(folder: str, seconds: float = 0.0):
    """Leaves a file for every time that it is measured."""

    def draw(seed, budget):
        time.sleep(seconds)
        with open(os.path.join(folder, f"{seed}-{time.monotonic_ns()}"), "w"):
            pass
        return float(seed)

    return draw


@component(slot="subject")
def raises():
    def draw(seed, budget):
        raise ValueError("I am broken")

    return draw


@component(slot="subject")
def hangs():
    return lambda seed, budget: time.sleep(1000)


@component(slot="subject")
def prints():
    def draw(seed, budget):
        for _ in range(1024):
            print("x" * (1 << 20))
        return 1.0

    return draw


@component(slot="subject")
def forks(note: str):
    """Leaves a child in a session of its own, which ignores a request to end."""

    def draw(seed, budget):
        if (pid := os.fork()) == 0:
            import signal

            signal.signal(signal.SIGTERM, signal.SIG_IGN)
            os.setsid()
            time.sleep(1000)
        with open(note, "a") as file:
            file.write(f"{pid}\n")
        return 1.0

    return draw


@component(slot="subject")
def nan():
    return lambda seed, budget: float("nan")


@component(slot="subject")
def shaped():
    return lambda seed, budget: np.zeros((2, 3))


@component(slot="subject")
def leaks():
    def draw(seed, budget):
        held = []
        while True:
            held.append(bytearray(b"x" * (20 << 20)))
            time.sleep(0.01)

    return draw


@component(slot="subject")
def exits():
    def draw(seed, budget):
        print("these are my last words", flush=True)
        os._exit(3)

    return draw


@component(slot="subject")
def fills(while_there: str):
    """Its worker finds no room for a row, as on a full disk."""

    def draw(seed, budget):
        import resource

        room = 10 if os.path.exists(while_there) else resource.RLIM_INFINITY
        resource.setrlimit(resource.RLIMIT_FSIZE, (room, resource.RLIM_INFINITY))
        return 1.0

    return draw


@component(slot="subject")
def holds(megabytes: int):
    return lambda seed, budget: float(len(bytearray(b"x" * (megabytes << 20))))


@component(slot="subject")
def absent():
    raise Skipped("the package is not installed")


@component(slot="subject")
def reads(path: str):
    def draw(seed, budget):
        with open(path) as file:
            return float(file.read())

    return draw
