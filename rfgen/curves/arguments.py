"""What verbs take and give, by name, and the checks of their arguments."""

__all__ = ["Dataset", "Folder", "Numbers", "checked_seed", "checked_sizes", "whole"]

import os
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Protocol, TypeAlias

import numpy as np

from rfgen.problems import validation

if TYPE_CHECKING:
    from xarray import Dataset
else:  # loaded where one is made
    Dataset = "xarray.Dataset"


class _HasArray(Protocol):
    def __array__(self) -> np.ndarray: ...


# A number, or numbers along one dimension: a list, a range, an array of NumPy or JAX, a Series, a DataArray.
Numbers: TypeAlias = float | Sequence[float] | _HasArray
Folder: TypeAlias = str | os.PathLike[str]


def checked_sizes(n: Any) -> np.ndarray:
    """Numbers of training samples > 0, which must be there."""
    if n is None:
        raise ValueError("n, the number of training samples, is missing")
    return validation.positive("n", n)


def whole(name: str, values: np.ndarray) -> np.ndarray:
    """Numbers of things that are drawn: whole, or inf."""
    finite = values[np.isfinite(values)]
    if (finite != np.round(finite)).any():
        raise ValueError(f"{name} must be whole numbers for a simulation, got {values.tolist()}")
    return values


def checked_seed(seed: Any) -> int:
    """A seed that keys can be made of."""
    seed = validation.integer("seed", seed, 0)
    if seed >= 2**63:
        raise ValueError(f"seed must be below 2^63, got {seed}")
    return seed
