"""Speed and memory, each comparison side by side in one process run: `scripts/bench [NAME ...]`."""
