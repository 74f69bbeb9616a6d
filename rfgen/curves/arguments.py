"""What verbs take and give, by name."""

__all__ = ["Dataset", "Folder", "Numbers"]

import os
from collections.abc import Sequence
from typing import TYPE_CHECKING, Protocol, TypeAlias

import numpy as np

if TYPE_CHECKING:
    from xarray import Dataset
else:  # loaded where one is made
    Dataset = "xarray.Dataset"


class _HasArray(Protocol):
    def __array__(self) -> np.ndarray: ...


# A number, or numbers along one dimension: a list, a range, an array of NumPy or JAX, a Series, a DataArray.
Numbers: TypeAlias = float | Sequence[float] | _HasArray
Folder: TypeAlias = str | os.PathLike[str]
