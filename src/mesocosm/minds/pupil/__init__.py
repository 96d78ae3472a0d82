"""A small net whose genes say what it does at birth, how its synapses change in life, and what it feels."""
