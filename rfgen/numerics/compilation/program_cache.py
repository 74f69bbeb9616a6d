"""Compiled programs kept on disk: a new process loads what an earlier one compiled.

JAX has one such cache a process.  It is opened by the first compilation that finds a folder configured and serves all
code from then on; only its flags are public, so it cannot be confined to rfgen's verbs.  Importing rfgen therefore
changes nothing: the cache is asked for, by `cache_programs` or by the command lines.

JAX's own bound of the size needs another package and reads the whole folder at each program it writes; here the folder is
tidied once a process, before it is used.
"""

__all__ = ["cache_programs"]

import contextlib
import functools
import os
import shutil
import sys
import time
import warnings
import zlib
from pathlib import Path

import jax
import jax.monitoring
from jaxlib.version import __version__ as jaxlib_version

from rfgen.numerics.compilation.caller import warn_caller
from rfgen.numerics.compilation.kept_programs import keep_programs_in

MOST_BYTES = 256 * 2**20
# Environments with different versions of JAX may alternate on one machine: a folder goes when nobody used it for so long.
UNUSED_SECONDS = 30 * 86400.0
MARK = "last-used"
MISS = "/jax/compilation_cache/cache_misses"


def cache_programs() -> None:
    """Keep all that JAX compiles in this process, for later processes.

    The folder is `rfgen/jax-...` in the user's cache folder, or in the path that the environment variable `RFGEN_CACHE`
    names; `RFGEN_CACHE=off` keeps nothing.  A `jax_compilation_cache_dir` that is set already stays in use, as it is.
    The first program that is not there yet is announced in one line on stderr, in a terminal or notebook.  Several
    processes may share the folder.  Where it cannot be written, a warning says so and nothing is kept.
    """
    off = os.environ.get("RFGEN_CACHE", "").lower() == "off"
    if off or getattr(jax.config, "jax_compilation_cache_dir", None):
        return
    version = f"jax-{jax.__version__}-jaxlib-{jaxlib_version}"
    try:
        folder = _users_folder() / version
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)  # a program that others can replace is code they can run
        _tidy(folder)
        (folder / MARK).touch()
    except (OSError, RuntimeError) as error:  # RuntimeError: there is no home
        warn_caller(
            f"compiled programs are not kept for later ({error}): set RFGEN_CACHE to a folder that can be written, or off"
        )
        return
    # another process may be writing what this one reads: it is compiled, and the next start finds it whole
    warnings.filterwarnings("ignore", message="Error reading persistent compilation cache entry")
    _announce_compilations()
    jax.config.update("jax_persistent_cache_min_compile_time_secs", 0.0)
    jax.config.update("jax_persistent_cache_min_entry_size_bytes", -1)
    jax.config.update("jax_compilation_cache_dir", str(folder))
    keep_programs_in(folder)


def _users_folder() -> Path:
    if named := os.environ.get("RFGEN_CACHE"):
        return Path(named).expanduser().absolute()
    if sys.platform == "win32":
        return Path(os.environ.get("LOCALAPPDATA") or Path.home() / "AppData" / "Local") / "rfgen" / "Cache"
    if sys.platform == "darwin":
        return Path.home() / "Library" / "Caches" / "rfgen"
    named = os.environ.get("XDG_CACHE_HOME", "")
    return (Path(named) if Path(named).is_absolute() else Path.home() / ".cache") / "rfgen"


def _tidy(folder: Path) -> None:
    """Remove unused versions, damaged programs, and the longest unused ones beyond `MOST_BYTES`.

    Whatever another process removes meanwhile is gone already.
    """
    for other in folder.parent.glob("jax-*"):
        if other != folder and time.time() - _last_use(other / MARK) > UNUSED_SECONDS:
            shutil.rmtree(other, ignore_errors=True)
    checked, size = _last_use(folder / MARK), 0
    for path in sorted(folder.glob("*-cache"), key=_last_use, reverse=True):
        with contextlib.suppress(OSError):
            size += path.stat().st_size
            if size > MOST_BYTES or (path.stat().st_mtime >= checked and not _whole(path.read_bytes())):
                path.unlink()


def _last_use(path: Path) -> float:
    """When a file was read or written; file systems note reads to the day."""
    try:
        return max(path.stat().st_atime, path.stat().st_mtime)
    except OSError:
        return 0.0


def _whole(program: bytes) -> bool:
    """Whether a program was written to its end: not so after a kill, or on a full disk.

    >>> _whole(zlib.compress(b"program")), _whole(zlib.compress(b"program")[:-1]), _whole(b"")
    (True, False, False)
    """
    if not program.startswith(b"x"):  # zstd, where Python has it, carries no sum at its end
        return bool(program)
    try:
        return bool(zlib.decompress(program))
    except zlib.error:
        return False


@functools.cache
def _announce_compilations() -> None:
    """Say what the first call waits for, once, to somebody who watches."""
    said = []

    def listener(event: str, **_: object) -> None:
        if event == MISS and not said:
            said.append(event)
            if sys.stderr.isatty() or "ipykernel" in sys.modules:
                sys.stderr.write("compiling; once per machine\n")

    jax.monitoring.register_event_listener(listener)
