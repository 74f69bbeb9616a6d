"""What the arguments of verbs are, by name."""

__all__ = ["Folder", "Numbers"]

import os
from collections.abc import Sequence
from typing import Protocol, TypeAlias

import numpy as np


class _HasArray(Protocol):
    def __array__(self) -> np.ndarray: ...


# A number, or numbers along one dimension: a list, a range, an array of NumPy or JAX, a Series, a DataArray.
Numbers: TypeAlias = float | Sequence[float] | _HasArray
Folder: TypeAlias = str | os.PathLike[str]
