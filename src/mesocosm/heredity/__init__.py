"""Heredity: how genomes are founded, copied, mutated and exchanged."""
