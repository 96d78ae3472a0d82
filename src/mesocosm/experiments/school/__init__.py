"""Bacteria whose minds are rules: genes say what a net does at birth, how it learns in life, and what it feels."""
