"""What the benchmark of studies measures: nothing, and a fixed amount of arithmetic."""

from mesocosm.studies.component import component


@component(slot="subject")
def nothing(number: int = 0):
    return lambda seed, budget, level=0: float((seed * 7919 + number * 104729 + level) % 101)


@component(slot="subject")
def arithmetic(number: int = 0):
    def draw(seed, budget):
        total = seed + number
        for k in range(int(budget)):
            total = (total * 1103515245 + k) % 2147483648
        return float(total)

    return draw
