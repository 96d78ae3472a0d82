"""What a learner is asked to learn: data sets, what is refused as one, and streams of labelled examples."""

from mesocosm.tasks.arrays import DataError, DataSet
from mesocosm.tasks.sets import load

__all__ = ["DataError", "DataSet", "load"]
