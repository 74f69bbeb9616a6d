"""Weights that do not start from 0 along stochastic training, and where groups of losses come to rest."""

import numpy as np
import pytest

import rfgen as rg

VALUES, VARIANCE = np.arange(1, 61) ** -1.2, 0.05
TASK = rg.Task(VALUES, VALUES, 0.3)
# labels less what the first weights say are those of a target of more power, learned from 0
MORE = rg.Task(VALUES, VALUES + VARIANCE * VALUES, 0.3)


@pytest.mark.parametrize("training", [
    rg.SGD(0.3, [0, 5, 40], batch=4, initial_variance=VARIANCE),
    rg.SGD(0.1, [0, 5, 40], momentum=0.5, initial_variance=VARIANCE),
    rg.OnePassSGD(0.2, [0, 5, 40], batch=2, average_from=[0, 20], initial_variance=VARIANCE),
])
def test_a_start_is_a_target(training):
    from dataclasses import replace

    n = 50 if isinstance(training, rg.SGD) else None
    one = rg.predict(TASK, rg.Learner(training), n)
    other = rg.predict(MORE, rg.Learner(replace(training, initial_variance=0.0)), n)
    for name in ("test", "train", "stationary_test"):
        if name in one:
            np.testing.assert_allclose(one[name], other[name], rtol=1e-12)
    untrained = one.norm.isel(steps=0)
    np.testing.assert_allclose(untrained, VARIANCE * VALUES.size, rtol=1e-9)
    assert (one.bias <= other.bias).all()  # the start counts as variance


def test_several_views_come_to_rest():
    """What returns of kicks is summed without end: the curve's own late value."""
    learner = rg.Learner(rg.SGD(0.2, [3000], batch=2, ridge=5.0), augmentation=rg.Mask(0.7, views=3))
    curve = rg.predict(TASK, learner, n=50)
    np.testing.assert_allclose(float(curve.stationary_test), float(curve.test[0]), rtol=1e-6)
    alone = rg.predict(TASK, rg.Learner(rg.SGD(0.2, 10, batch=2, ridge=5.0), augmentation=rg.Mask(0.7)), n=50)
    assert 1.0 < float(alone.stationary_test) / float(curve.stationary_test) < 1.1


@pytest.mark.parametrize(("learner", "said"), [
    (rg.Learner(rg.OnePassSGD(0.1, 5, initial_variance=0.1), features=9), "derived on the kernel's own modes"),
    (rg.Learner(rg.SGD(0.1, 5, initial_variance=0.1), augmentation=rg.Gain([0.5, 1.0])), "for views of many small"),
    (rg.Learner(rg.SGD(0.1, 5, initial_variance=0.1, finite_size=True)), "without finite_size"),
])
def test_what_is_not_derived(learner, said):
    with pytest.raises(ValueError, match=said):
        rg.predict(TASK, learner, 30 if isinstance(learner.training, rg.SGD) else None)


def test_a_share_of_samples_is_fewer_samples():
    training = rg.SGD(0.3, [5, 40], batch=2, ridge=1.0)
    part = rg.predict(TASK, rg.Learner(training, features=30, resampling=rg.Subsample(0.6)), n=50)
    few = rg.predict(TASK, rg.Learner(training, features=30), n=30)
    np.testing.assert_allclose(part.test, few.test, rtol=1e-7)
