"""Memory, planned before it is allocated."""

__all__ = ["budget", "plan"]

import os

# What is planned leaves room for the workspaces of the linear algebra and for everything else on the machine.
SHARE_OF_MACHINE = 0.5


def budget(device_bytes: int | None = None) -> int:
    """Bytes that a computation may plan for: half the device's memory, or half the machine's where it has none."""
    total = device_bytes or os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    return int(SHARE_OF_MACHINE * total)


def plan(bytes_each: int, count: int, available: int, what: str, knob: str) -> int:
    """How many of `count` items of `bytes_each` to hold at once, at least one; refuses what cannot fit.

    >>> plan(100, 10, 450, "a trial", "n")
    4
    >>> plan(500, 10, 450, "a trial at n=7", "n")
    Traceback (most recent call last):
    MemoryError: a trial at n=7 needs about 500 bytes, and 450 bytes are planned for: lower n, or raise memory=...
    """
    if bytes_each > available:
        raise MemoryError(
            f"{what} needs about {_readable(bytes_each)}, and {_readable(available)} are planned for: lower {knob}, "
            "or raise memory=..."
        )
    return max(1, min(count, available // max(bytes_each, 1)))


def _readable(count: int) -> str:
    size = float(count)
    for unit in ("bytes", "KiB", "MiB", "GiB"):
        if size < 1024 or unit == "GiB":
            return f"{size:.3g} {unit}"
        size /= 1024
    raise AssertionError("unreachable")
