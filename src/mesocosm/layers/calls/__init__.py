"""Calls: whose signal bodies hear, and the sense of its trend."""
