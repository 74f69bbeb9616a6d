"""What is checked once is found each time it is new: arguments, results, closures and fields."""

import dataclasses
import functools

import jaxtyping
import numpy as np
import pytest
from beartype import beartype

from tests.type_checks import jaxtyped

checked = jaxtyped(typechecker=beartype)
Rows = jaxtyping.Float[np.ndarray, "n modes"]


@checked
def mean(rows: Rows, axis: int = 0) -> jaxtyping.Float[np.ndarray, " modes"]:
    return rows.mean(axis)


@functools.cache
def given(n, modes):
    return np.zeros((n, modes))


@checked
@dataclasses.dataclass(frozen=True)
class Fit:
    rows: Rows
    targets: jaxtyping.Float[np.ndarray, " n"]


def closure(size):
    @checked
    def of(rows: Rows) -> jaxtyping.Float[np.ndarray, " n"]:
        return rows[:size, 0]

    return of


@pytest.mark.parametrize(
    "wrong",
    [
        lambda: mean(given(3, 2), axis=1),  # two arguments of known kinds, another result
        lambda: mean(given(3, 2)[0]),
        lambda: mean(given(3, 2).astype(int)),
        lambda: mean(given(3, 2), axis=0.0),
        lambda: closure(2)(given(3, 2)),
        lambda: Fit(given(3, 2), np.zeros(2)),
        lambda: Fit(given(3, 2), targets=np.zeros((3, 1))),
    ],
)
def test_what_is_wrong_is_found_after_what_is_right(wrong):
    for _ in range(2):
        assert mean(given(3, 2), axis=0).shape == mean(given(3, 2)).shape == (2,)
        assert closure(3)(given(3, 2)).shape == Fit(given(3, 2), np.zeros(3)).targets.shape == (3,)
        with pytest.raises(jaxtyping.TypeCheckError):
            wrong()
