"""A bilinear game of two players, in integers."""
