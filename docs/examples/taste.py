"""Bacteria that taste whether there is a bite of food where they are. Do they stay?"""

from mesocosm import lab


def food_here(law, state):
    return (law.at_bodies(state, "food") >= law.bite).astype("int32")


TASTE = lab.Sense("taste", words=("nothing", "a bite"), unit="quanta", read=food_here)


def build(c):
    law = lab.ecology(c, senses=[TASTE])
    return lab.watched(c, law, lab.behaviour(law))


DECLARATION = lab.Declaration(
    name="taste",
    title="Bacteria that taste",
    question="Do bacteria that taste their food stay where it is?",
    prediction="they tumble more at a bite",
    control="the shadow genome",
    configuration=lab.EcologyConfiguration,
    build=build,
    measures=(lab.Measure("population", "population"),),
    trial=lab.Trial({"": {"every": 20, "world": {"side": 16, "founders": 30, "ceiling": 120}}}),
)
