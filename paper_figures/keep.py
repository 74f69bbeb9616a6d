"""Keep what figures came out as, for the list and the gallery: `python -m paper_figures.keep [NAME ...] --out figures`.

Of each figure that is in the folder: a small picture in the gallery, how far its dots are from theory, what it took and
with which versions; its time goes into the list.  A picture of paper scale is not replaced by one of smoke scale.
"""

__all__ = ["GALLERY", "LARGEST", "SUMMARY", "keep", "thumbnail"]

import argparse
import io
import json
import platform
from pathlib import Path
from typing import Any

import jax
import numpy as np
from PIL import Image

from paper_figures.catalogue import FIGURES
from paper_figures.settings import configured
from paper_figures.storage import restore
from paper_figures.style import dressed, finish

GALLERY = Path(__file__).with_name("gallery")
SUMMARY, TIMES = GALLERY / "summary.json", Path(__file__).with_name("times.json")
# The README's picture is as wide as its page.
WIDE = "more_is_better_features"
# Bytes of a picture, and its colours: lines and letters need no more.
LARGEST, COLOURS = 60_000, 64


def thumbnail(name: str, arrays: dict[str, Any], parameters: dict[str, Any]) -> bytes:
    """The figure at the width of a column, that of the README at its own, as sharp as the bytes allow."""
    module = configured(name, parameters["scale"], {})
    for dots in (200, 160, 130, 100, 80, 60):
        drawn, kept = io.BytesIO(), io.BytesIO()
        with dressed(None if name == WIDE else 3.4):
            finish(module.draw(arrays, parameters)).savefig(drawn, format="png", dpi=dots)
        Image.open(drawn).convert("RGB").quantize(COLOURS).save(kept, format="png", optimize=True)
        if kept.tell() <= LARGEST:
            break
    return kept.getvalue()


def keep(name: str, folder: Path) -> None:
    """One figure of the folder; of one made with `--set` nothing is kept."""
    arrays, parameters = restore(folder, name)
    if parameters.get("set"):
        raise SystemExit(f"{name} in {folder} was made with --set {' '.join(parameters['set'])}: make it without")
    _update(TIMES, name, {**_read(TIMES).get(name, {}), parameters["scale"]: round(parameters["cpu_seconds"])})
    if parameters["scale"] == "smoke" and _read(SUMMARY).get(name, {}).get("scale") == "paper":
        return
    (GALLERY / f"{name}.png").write_bytes(thumbnail(name, arrays, parameters))
    found = {
        "scale": parameters["scale"], "data": bool(parameters["data"]), "largest_z": parameters.get("largest_z"),
        "seed": parameters["seed"],
        "seconds": parameters["seconds"], "cpu_seconds": parameters["cpu_seconds"], "rfgen": parameters["rfgen_version"],
        "numpy": np.__version__, "jax": jax.__version__, "python": platform.python_version(),
    }
    _update(SUMMARY, name, {**found, "largest_z": found["largest_z"] and round(found["largest_z"], 2)})


def _read(path: Path) -> dict[str, Any]:
    return json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}


def _update(path: Path, name: str, entry: dict[str, Any]) -> None:
    entries = {**_read(path), name: entry}
    path.write_text(json.dumps(dict(sorted(entries.items())), indent=1) + "\n", encoding="utf-8")


def main() -> None:
    """Keep those named, or all that the folder has."""
    parser = argparse.ArgumentParser(prog="python -m paper_figures.keep", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help="figures; none: all in the folder")
    parser.add_argument("--out", type=Path, default=Path("figures"), metavar="DIR", help="of 'make' (%(default)s)")
    given = parser.parse_args()
    for name in given.names or [name for name in FIGURES if (given.out / f"{name}.nc").exists()]:
        keep(name, given.out)


if __name__ == "__main__":
    main()
