"""Bacteria that can pay for a signal: where it is kept, what it is for, and why."""
