"""The best schedule of one pass: known numbers, one mode, the limit of continuous time, certificates, what is refused."""

import numpy as np
import pytest

import rfgen as rg

NOISE = 0.3
# excess risk after 1,000 steps of single samples: best, constant, linear, from a plain recursion and SciPy's search
TABLE = {(1.5, 3.0): (0.00733, 0.01097, 0.00758), (2.0, 4.0): (0.00347, 0.00617, 0.00373)}


@pytest.mark.parametrize("exponents", TABLE)
def test_known_numbers_and_the_limit_of_continuous_time(exponents):
    task = rg.Task.power_law(*exponents, NOISE, modes=500)
    found = rg.best_schedule(task, rg.OnePassSGD(0.1, 1000))
    excess = (found.end_test - NOISE).sel(schedule=["best", "constant", "linear"])
    np.testing.assert_allclose(excess, TABLE[exponents], atol=6e-6)
    assert found.attrs["stationarity"] < 1e-5 and (found.end_test[0] < found.end_test[1:]).all()
    # noise dominates: rate^2 = mu / K(time left), K(x) = sum lambda^2 exp(-2 lambda x), at the best total time
    lam, power = task.eigenvalues, task.power[0]

    def rates(total):
        x = np.linspace(0.0, total, 4001)
        root = np.sqrt(np.exp(-2.0 * np.outer(x, lam)) @ lam**2)
        spent = np.concatenate([[0.0], np.cumsum((root[1:] + root[:-1]) / 2.0 * np.diff(x))])
        left = np.interp(spent[-1] * (1.0 - (np.arange(1000) + 0.5) / 1000), spent, x)
        risk = np.sum(power * np.exp(-2.0 * lam * total)) + NOISE * spent[-1] ** 2 / 1000
        return risk, spent[-1] / 1000 / np.interp(left, x, root)

    _, rate = min((rates(total) for total in np.geomspace(5.0, 200.0, 40)), key=lambda pair: pair[0])
    limit = rg.predict(task, rg.Learner(rg.OnePassSGD(lambda t: rate[t], 1000)))
    assert float(excess[0]) < float(limit.test) - NOISE < 1.02 * float(excess[0])


def test_one_mode_takes_the_best_of_each_step():
    task = rg.Task([2.0], [1.5], NOISE)
    found = rg.best_schedule(task, rg.OnePassSGD(0.1, 30, batch=3))
    x, rates = 1.5, []
    for _ in range(30):
        rates.append(x / ((1 + 1 / 3) * x + (x + NOISE) / 3) / 2.0)
        step = 2.0 * rates[-1]
        x = ((1 - step) ** 2 + step**2 / 3) * x + step**2 / 3 * (x + NOISE)
    np.testing.assert_allclose(found.rate[0], rates, rtol=1e-5)
    np.testing.assert_allclose(found.end_test[0] - NOISE, x, rtol=1e-11)


def test_a_capped_schedule_with_momentum_is_predicted_and_cannot_be_improved():
    task, momentum = rg.Task.power_law(1.5, 1.5, NOISE, modes=60), lambda t: 0.5 * t / (t + 9)
    training = rg.OnePassSGD(0.1, 60, momentum=momentum, nesterov=True)
    found = rg.best_schedule(task, training, steps=40, batch=2, cap=0.25)
    best = found.rate[0].values

    def risks(rate, steps):
        return rg.predict(task, rg.Learner(rg.OnePassSGD(lambda t: rate[t], steps, 2, momentum, nesterov=True))).test

    for name in ("best", "cosine"):
        own = found.sel(schedule=name)
        np.testing.assert_allclose(risks(own.rate.values, [0, 17, 40]), [*own.test[[0, 17]], own.end_test], rtol=1e-13)
    capped = best > 0.25 - 1e-12
    assert 0 < capped.sum() == found.attrs["steps_at_cap"] < 40 and (found.slope[capped] < 0).all()
    np.testing.assert_allclose(found.slope[~capped], 0.0, atol=1e-7)
    ahead = [float(risks(best * (1 + sign * 1e-3 * capped), 40)) for sign in (1, -1)]
    np.testing.assert_allclose((ahead[0] - ahead[1]) / 2e-3, found.slope[capped].sum(), rtol=1e-4)
    random = np.random.default_rng(0)
    for _ in range(3):
        other = np.minimum(best * np.exp(0.05 * random.normal(size=40)), 0.25)
        assert float(risks(other, 40)) > float(found.end_test[0])


REFUSED = {
    "accelerated": ((rg.AcceleratedSGD(0.9, 0.1, 0.1, 0.1, 5),), "training must be an rg.OnePassSGD for best_schedule"),
    "average": ((rg.OnePassSGD(0.1, 5, average_from=2),), "average_from is not covered by best_schedule"),
    "steps": ((rg.OnePassSGD(0.1, [5, 6]),), "steps must be one number for best_schedule"),
    "no step": ((rg.OnePassSGD(0.1, 5), 0), "steps must be an integer >= 1, got 0"),
    "momenta": ((rg.OnePassSGD(0.1, 5, momentum=[0.1, 0.2]),), "momentum must be one number"),
    "cap": ((rg.OnePassSGD(0.1, 5), None, None, 0.0), "cap must be > 0"),
    "memory": ((rg.OnePassSGD(0.1, 10**8),), "steps times modes must be at most 2e\\+08 for a best schedule"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_is_refused(name):
    arguments, said = REFUSED[name]
    with pytest.raises(ValueError, match=said):
        rg.best_schedule(rg.Task([1.0], [1.0], NOISE), *arguments)
    with pytest.raises(ValueError, match="keep_outputs must be False for best_schedule"):
        rg.best_schedule(rg.Task([1.0], [1.0], NOISE, keep_outputs=True), rg.OnePassSGD(0.1, 5))
