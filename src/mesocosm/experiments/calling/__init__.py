"""Bacteria that call in food: whether it is honest, answered, kept, invented, and whether a colony lives by it."""
