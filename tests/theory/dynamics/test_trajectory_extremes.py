"""Curves along training at the borders of what may be asked."""

import math

import numpy as np

import rfgen as rg

OUTPUTS = np.array([[1.0, 0.3, 0.1], [0.1, 0.2, 0.3]])


def test_outputs_together_are_the_sum_of_outputs_kept():
    """Each output starts from weights of its own, augmented or not, one number for all levels or one for each."""
    for augmentation in (None, rg.Mask(0.7, 2)):
        for variance in (0.2, [0.1, 0.0, 0.5]):
            training = rg.GradientFlow([0.0, 3.0, math.inf], initial_variance=variance)
            learner = rg.Learner(training, augmentation=augmentation)
            kept, together = (
                rg.predict(rg.Task([1.0, 0.5, 0.2], OUTPUTS, [0.1, 0.3], [9, 9, 9], keep_outputs=keep), learner, 12)
                for keep in (True, False)
            )
            for name in ("test", "train", "norm", "initial_variance", "bias", "noise"):
                # nothing is left of the residual at the end of training
                assert np.allclose(kept[name].sum("output"), together[name], rtol=1e-9, atol=1e-12), name


def test_infinitely_many_initial_weights():
    """Their squares sum to infinity until weight decay has had infinite time; on random features they do not."""
    task = rg.Task.power_law(1.5, 1.5, noise=0.1)
    for ridge in (0.0, 1.0):
        training = rg.GradientFlow([0.0, 10.0, math.inf], ridge, initial_variance=0.1)
        curve = rg.predict(task, rg.Learner(training), 50)
        assert np.isposinf(curve.norm[:2]).all() and np.isposinf(curve.norm[2]) == (ridge == 0.0)
        assert np.isfinite(curve.test).all()
        assert np.isfinite(rg.predict(task, rg.Learner(training, features=30), 50).norm).all()
