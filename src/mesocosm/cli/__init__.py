"""The command line: words turned into calls. Words for people go to stderr, results to stdout.

Exit codes: 0 fine, 2 usage or configuration, 3 environment, 130 interrupted (after a checkpoint).
"""

from mesocosm.cli.main import main

__all__ = ["main"]
