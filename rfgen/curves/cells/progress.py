"""A progress bar where somebody can see it."""

__all__ = ["progress_bar"]

import sys
from typing import Any


def progress_bar(total: int, label: str, show: bool | None = None, delay: float = 0.0) -> Any:
    """A tqdm bar over `total` steps, after `delay` seconds; `show=None` shows it in a terminal or notebook only."""
    from tqdm.auto import tqdm

    if show is None:
        show = sys.stderr.isatty() or "ipykernel" in sys.modules
    return tqdm(total=total, desc=label, disable=not show, leave=False, delay=delay)
