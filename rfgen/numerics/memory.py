"""Memory, planned before it is allocated."""

__all__ = ["budget", "plan", "planned"]

import os
from contextlib import suppress
from functools import cache
from pathlib import Path
from typing import Any

# What is planned leaves room for the workspaces of the linear algebra and for everything else on the machine.
SHARE_OF_MACHINE = 0.5
# Where Linux keeps what a container may take, beside the machine's memory.
LIMITS = ("/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory/memory.limit_in_bytes")


def budget(device_bytes: int | None = None) -> int:
    """Bytes that a computation may plan for: half the device's memory, or half the machine's where it has none."""
    return int(SHARE_OF_MACHINE * (device_bytes or _machine()))


@cache
def _machine() -> int:
    found = [os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")]
    for name in LIMITS:
        with suppress(OSError, ValueError):  # not there, or "max"
            found.append(int(Path(name).read_text()))
    return min(found)


def planned(need: Any, what: str, remedy: str, available: int | None = None) -> None:
    """Refuse what takes more bytes than are `available`, None: than the budget.

    >>> planned(10, "a row", "take fewer")
    >>> planned(3e15, "kernel of shape (10, 10)", "take fewer rows", 4096)
    Traceback (most recent call last):
    MemoryError: kernel of shape (10, 10) needs about 2.79e+06 GiB, and 4 KiB are planned for: take fewer rows
    """
    available = budget() if available is None else available
    if need > available:
        raise MemoryError(f"{what} needs about {_readable(need)}, and {_readable(available)} are planned for: {remedy}")


def plan(bytes_each: int, count: int, available: int, what: str, knob: str) -> int:
    """How many of `count` items of `bytes_each` to hold at once, at least one; refuses what cannot fit.

    >>> plan(100, 10, 450, "a trial", "n")
    4
    >>> plan(500, 10, 450, "a trial at n=7", "n")
    Traceback (most recent call last):
    MemoryError: a trial at n=7 needs about 500 bytes, and 450 bytes are planned for: lower n, or raise memory=...
    """
    planned(bytes_each, what, f"lower {knob}, or raise memory=...", available)
    return max(1, min(count, available // max(bytes_each, 1)))


def _readable(count: Any) -> str:
    size = float(count)
    for unit in ("bytes", "KiB", "MiB", "GiB"):
        if size < 1024 or unit == "GiB":
            return f"{size:.3g} {unit}"
        size /= 1024
    raise AssertionError("unreachable")
