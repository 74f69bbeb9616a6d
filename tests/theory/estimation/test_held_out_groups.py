"""Risk of n of N groups of rows: groups of one, exact leave-one-group-out, and real splits of groups of unequal sizes."""

import numpy as np
import pytest

from rfgen.simulation.runs.splits import random_splits
from rfgen.theory.estimation.held_out_groups import held_out_groups
from rfgen.theory.estimation.held_out_risk import held_out_risk
from rfgen.theory.estimation.leave_out import leave_blocks_out
from tests.theory.estimation.test_held_out_risk import sample

MOST_Z = 4.0


@pytest.mark.parametrize("centred", [False, True])
@pytest.mark.parametrize(("kind", "n", "ridge"), [("full", 20, 0.0), ("full", 50, 0.1), ("low rank", 30, 0.3)])
def test_groups_of_one_are_rows(kind, n, ridge, centred):
    kernel, gram, labels = sample(60, kind, centred)
    found = held_out_groups(kernel, gram, labels, [np.array([row]) for row in range(60)], n, ridge)
    alone = held_out_risk(kernel, gram, labels, n, ridge, influence=True)
    assert found.converged and alone.converged
    for name in ("test", "train", "bias", "per_example", "mean_residual", "cavity"):
        np.testing.assert_allclose(getattr(found, name), getattr(alone, name), rtol=1e-5, atol=1e-9)
    warm = held_out_groups(
        kernel, gram, labels, [np.array([row]) for row in range(60)], n, ridge, 1.1 * (alone.effective_ridges - ridge)
    )
    np.testing.assert_allclose(warm.test, found.test, rtol=1e-6)


@pytest.mark.parametrize("centred", [False, True])
@pytest.mark.parametrize(("kind", "n", "ridge"), [("full", 12, 0.0), ("full", 24, 0.05), ("low rank", 20, 0.5)])
def test_real_splits_of_unequal_groups_agree(kind, n, ridge, centred):
    """400 splits of 32 groups of 1 to 5 rows in no order; leave-one-group-out at n = 32 and near it."""
    random = np.random.default_rng(0)
    kernel, gram, labels = sample(96, kind, centred)
    names = random.permutation(np.concatenate([np.arange(32), np.repeat(np.arange(16), 4)]))
    blocks = [np.flatnonzero(names == name) for name in range(32)]
    found = held_out_groups(kernel, gram, labels, blocks, n, ridge)
    runs = random_splits(kernel, labels, n, ridge, 400, 0, centred, names)
    held = runs.held_out.astype(float)
    differences = runs.test - held @ found.per_example / held.sum(axis=1)[:, None]
    error = differences.std(axis=0, ddof=1) / 20.0
    # measured |gap| < 3 % at 32 groups
    assert np.all(np.abs(differences.mean(axis=0)) < MOST_Z * error + 0.03 * found.test)
    drawn = 96.0 - held.sum(axis=1)
    np.testing.assert_allclose(drawn @ runs.train / drawn.sum(), found.train, rtol=0.06, atol=1e-9)
    exact = leave_blocks_out(gram, labels, blocks, ridge).residuals
    np.testing.assert_array_equal(held_out_groups(kernel, gram, labels, blocks, 32, ridge).mean_residual, exact)
    near = held_out_groups(kernel, gram, labels, blocks, 31.999, ridge)
    np.testing.assert_allclose(near.test, np.mean(exact**2, axis=0), rtol=2e-3)
