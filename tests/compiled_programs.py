"""The folder of compiled programs that one run of the tests leaves to the next."""

__all__ = ["forget_oldest", "kept_folder"]

import os
import pathlib

import jax

# Bytes of programs kept between runs, all versions of JAX together; one version of the whole suite takes far less.
MOST_KEPT = 2 * 1024**3


def kept_folder() -> pathlib.Path:
    """The user's own folder for this version of JAX, after old programs were deleted from all of them."""
    home = pathlib.Path(os.environ.get("XDG_CACHE_HOME") or pathlib.Path.home() / ".cache") / "rfgen-tests"
    forget_oldest(home, MOST_KEPT)
    return home / jax.__version__


def forget_oldest(folder: pathlib.Path, most: int) -> None:
    """Delete the programs first written until at most `most` bytes are left.

    JAX's own limit locks the folder at each reading and lists it at each writing; here a process that misses a program
    compiles it again.
    """
    files = sorted((path.stat().st_mtime, path.stat().st_size, path) for path in folder.rglob("*-cache"))
    excess = sum(size for _, size, _ in files) - most
    for _, size, path in files:
        if excess <= 0:
            break
        path.unlink(missing_ok=True)
        excess -= size
