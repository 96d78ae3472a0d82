"""Hearing: the controls of a sense by which bodies tell each other something."""
