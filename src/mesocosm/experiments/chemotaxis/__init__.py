"""Bacteria that come to follow their food: run and tumble, evolved."""
