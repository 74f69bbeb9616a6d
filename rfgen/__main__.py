"""`python -m rfgen` is the command `rfgen`."""

import sys

from rfgen.cli import main

__all__: list[str] = []

if __name__ == "__main__":
    sys.exit(main())
