"""DANA against second moments of (error, memory) mode by mode, and its limit without momentum."""

import numpy as np

import rfgen as rg

LAMBDA, POWER, NOISE = np.arange(1, 41) ** -1.3, np.arange(1, 41) ** -1.1, 0.3
TASK = rg.Task(LAMBDA, POWER, NOISE)


def decay(t):
    return 0.05 * (1.0 + t) ** (-1 / 1.3)


def test_second_moments_of_errors_and_memory():
    steps, rate, batch, damping = 200, 0.1, 2, 5.0
    moments, expected = np.zeros((40, 2, 2)), []
    moments[:, 0, 0] = POWER / LAMBDA
    for t in range(steps):
        here = moments[:, 0, 0]
        loss = NOISE + LAMBDA @ here
        expected.append(loss)
        kept, pull = 1.0 - min(damping / (1.0 + t), 1.0), decay(t)
        gain = np.array([rate + pull, -1.0])
        move = np.array([[1.0, -pull * kept], [0.0, kept]]) - LAMBDA[:, None, None] * np.outer(gain, [1.0, 0.0])
        spread = (LAMBDA**2 * here + LAMBDA * loss) / batch
        moments = move @ moments @ move.transpose(0, 2, 1) + spread[:, None, None] * np.outer(gain, gain)
    training = rg.DANA(rate, decay, np.arange(steps), batch=batch, damping=damping)
    np.testing.assert_allclose(rg.predict(TASK, rg.Learner(training)).test, expected, rtol=1e-12)


def test_without_a_momentum_rate_it_is_plain():
    steps = [1, 10, 100]
    found, plain = (rg.predict(TASK, rg.Learner(one)) for one in (rg.DANA(0.1, 0.0, steps), rg.OnePassSGD(0.1, steps)))
    np.testing.assert_allclose(found.test, plain.test, rtol=1e-13)
