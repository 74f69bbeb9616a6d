"""`python -m rfgen` is the command `rfgen`."""

__all__: list[str] = []

import sys

from rfgen.cli import main

if __name__ == "__main__":
    sys.exit(main())
