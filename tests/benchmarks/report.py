"""What the benchmark scripts share: the argument `--out`, and the numbers printed and kept as JSON."""

__all__ = ["keep", "output"]

import argparse
import json
import pathlib


def output(description):
    """The file that `--out` names, or None."""
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("--out", type=pathlib.Path)
    return parser.parse_args().out


def keep(found, out):
    """Print the numbers `found`, and write them to `out` unless it is None."""
    text = json.dumps(found, indent=1)
    print(text)
    if out:
        out.write_text(text + "\n")
