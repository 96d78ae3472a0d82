"""Two who pull at one rope: what one wins the other loses, and pulling is tiring."""

from mesocosm import lab


class Rope(lab.LossGame):
    """`x y` for the first, `-x y` for the second, and `tiring / 2` times the square of one's own effort."""

    tiring: float = 0.1

    def losses(self, x, y):
        return x[0] * y[0] + self.tiring / 2 * x[0] ** 2, -x[0] * y[0] + self.tiring / 2 * y[0] ** 2


DECLARATION = lab.playing("rope", game=Rope(), question="Do they come to rest?")
