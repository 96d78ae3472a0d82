"""Assays: what frozen populations do under conditions that evolution never had."""
