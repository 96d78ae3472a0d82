"""Layers: what can be laid over any world and mind, a folder each; neither world, mind nor heredity knows of it."""
