"""Searchers of the outer loop, behind one small adapter: a state, and one step that minimises a loss."""
