"""Office hours: a plan is read before anything is run, and answered as a good advisor would. No jax.

`design` reads what is planned, `checks` holds what a reviewer would object to, `advice` puts the answer together.
"""

from mesocosm.review.advice import Review, review
from mesocosm.review.design import Design, design_of, read_design

__all__ = ["Design", "Review", "design_of", "read_design", "review"]
