"""Office hours: a plan is read before anything is run, and answered as a good advisor would. No jax.

`plans` finds what is planned, `design` holds it, `checks` what a reviewer would object to; `advice` is the answer.
"""

from mesocosm.review.advice import Review, review
from mesocosm.review.design import Design, facts
from mesocosm.review.plans import design_of, read_design

__all__ = ["Design", "Review", "design_of", "facts", "read_design", "review"]
