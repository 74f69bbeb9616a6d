"""Every closed form against the engine, so that none that is printed can differ from the curves."""

import jax
import numpy as np
import pytest

import rfgen as rg
from rfgen import theory
from rfgen.problems.kernels.hermite import hermite_split
from rfgen.symbolic import Formula

N, FEATURES, RIDGE, NOISE = 40.0, 70.0, 0.03, 0.2
VALUES = np.arange(1.0, 121.0) ** -1.3
POWER = np.arange(1.0, 121.0) ** -1.1
TASK = rg.Task(VALUES, POWER, noise=NOISE)
LISTS = {"eigenvalues": VALUES, "power": POWER}
DIM, SIGNAL = 50.0, 2.0
ISOTROPIC = rg.Task.isotropic(50, signal=SIGNAL, noise=NOISE)
ABOVE_AND_BELOW = np.array([20.0, 45.0, 80.0])


def point(task=TASK, n=N, features=np.inf, ridge=RIDGE):
    with jax.enable_x64(True):
        return theory.risk(task.modes, n, features, ridge, float(np.sum(task.noise)))


def isotropic(field, ridge):
    return [float(getattr(point(ISOTROPIC, n, ridge=ridge), field)) for n in ABOVE_AND_BELOW]


def flow(times, n, noise=NOISE, start=0.0):
    task = rg.Task.isotropic(50, signal=SIGNAL, noise=noise)
    return rg.predict(task, n=n, learner=rg.Learner(rg.GradientFlow(times, initial_variance=start))).test.values


def of(name, **numbers):
    return rg.formula(name)(**numbers)


def _kernel_equation():
    return of("kernel effective ridge", n=N, ridge=RIDGE, kappa=float(point().kappa), eigenvalues=VALUES), 0.0, 1e-10


def _features_equation():
    gamma = float(point(features=FEATURES).gamma)
    found = of("random-feature effective ridge", n=N, features=FEATURES, ridge=RIDGE, gamma=gamma, eigenvalues=VALUES)
    return found / (RIDGE * FEATURES), 0.0, 1e-10


def _features_kappa():
    own = point(features=FEATURES)
    return of("random-feature kappa", features=FEATURES, gamma=float(own.gamma), eigenvalues=VALUES), own.kappa, 1e-10


def _kernel_risk():
    own = point()
    return of("kernel risk", n=N, kappa=float(own.kappa), noise=NOISE, **LISTS), own.test, 1e-10


def _features_risk():
    own = point(features=FEATURES)
    found = of("random-feature risk", n=N, features=FEATURES, gamma=float(own.gamma), noise=NOISE, **LISTS)
    return found, own.test, 1e-10


def _train_ratio():
    own = point(features=FEATURES)
    return of("training over test error", n=N, ridge=RIDGE, kappa=float(own.kappa)), own.train / own.test, 1e-10


def _coefficient():
    own = point(ridge=0.0)
    return of("overfitting coefficient", n=N, kappa=float(own.kappa), eigenvalues=VALUES), own.amplification, 1e-10


def _small_ridge():
    start, small = float(point(ridge=0.0).kappa), 1e-6
    found = of("kappa at small ridge", n=N, ridge=small, kappa=start, eigenvalues=VALUES)
    return (found - start) / small, (float(point(ridge=small).kappa) - start) / small, 1e-4


def _large_ridge():
    return of("kappa at large ridge", n=N, ridge=1e6, eigenvalues=VALUES), point(ridge=1e6).kappa, 1e-9


def _best_risk():
    best = of("isotropic optimal ridge", dim=DIM, signal=SIGNAL, noise=NOISE)
    found = of("isotropic optimal risk", n=ABOVE_AND_BELOW, dim=DIM, signal=SIGNAL, noise=NOISE)
    return found, isotropic("test", best), 1e-9


def _best_ridge():
    best = of("isotropic optimal ridge", dim=DIM, signal=SIGNAL, noise=NOISE)
    return best, rg.optimal_ridge(ISOTROPIC, rg.Learner(rg.Ridge()), n=30).ridge.values, 1e-5


def _flow():
    numbers = dict(dim=DIM, signal=SIGNAL, noise=NOISE, initial_variance=0.01)
    return of("gradient flow risk", n=80, time=[0.5, 3.0], **numbers), flow([0.5, 3.0], 80, start=0.01), 1e-7


def _late():
    numbers = dict(dim=DIM, signal=SIGNAL, noise=NOISE, initial_variance=0.01)
    ends = [flow(np.inf, n, start=0.01) for n in (20, 80)]
    return of("gradient flow risk at late times", n=[20, 80], **numbers), ends, 1e-8


def _early():
    numbers = dict(dim=DIM, signal=SIGNAL, noise=NOISE, initial_variance=0.01)
    return of("gradient flow risk at time 0", **numbers), flow(0.0, 80, start=0.01), 1e-10


def _stop():
    n = 1e8 * DIM
    found = of("gradient flow best stopping time", n=n, dim=DIM, signal=SIGNAL, noise=1e7)
    task = rg.Task.isotropic(50, signal=SIGNAL, noise=1e7)
    return found, rg.optimal_stopping(task, n=n, learner=rg.Learner(rg.GradientFlow(1.0))).time.values, 2e-3


def power_law(n, fraction, noise=0.0):
    task = rg.Task.power_law(1.7, 1.4, noise=noise)
    return point(task, n, ridge=of("power-law ridge", n=n, alpha=1.7, fraction=fraction))


def _power_law_kappa():
    return of("power-law effective ridge", n=1e5, alpha=1.7, fraction=0.6), power_law(1e5, 0.6).kappa, 1e-4


def _power_law_ridge():
    return 0.6, float(power_law(1e5, 0.6).df1) / 1e5, 1e-4


def _power_law_coefficient():
    return of("power-law overfitting coefficient", alpha=1.7), power_law(1e5, 1.0).amplification, 1e-4


def _power_law_risk():
    numbers = dict(n=1e5, alpha=1.7, beta=1.4, noise=0.1, fraction=0.6)
    return of("power-law risk", **numbers), power_law(1e5, 0.6, 0.1).test, 1e-4


def _power_law_best():
    task = rg.Task.power_law(1.7, 1.4)
    with jax.enable_x64(True):
        best = point(task, 1e5, ridge=float(rg.optimal_ridge(task, rg.Learner(rg.Ridge()), n=1e5).ridge))
    found = of("power-law optimal training over test error", alpha=1.7, beta=1.4)
    return found, best.train / best.test, 1e-3


def _power_law_exponent():
    ratio = float(power_law(1e5, 1.0).test) / float(power_law(2e5, 1.0).test)
    return of("power-law exponent of the risk", beta=1.4), np.log2(ratio), 1e-3


def _peak():
    return of("isotropic peak height", dim=DIM, ridge=1e-8, noise=NOISE), point(ISOTROPIC, 50.0, ridge=1e-8).test, 1e-4


def _width():
    at = 50.0 + of("isotropic peak half-width", dim=DIM, ridge=1e-8)
    return 0.5, point(ISOTROPIC, at, ridge=1e-8).test / point(ISOTROPIC, 50.0, ridge=1e-8).test, 1e-4


def _features_peak():
    own = point(n=40.0, features=40.0, ridge=1e-14)
    numbers = dict(features=40.0, ridge=1e-14, gamma=float(own.gamma), noise=NOISE)
    return of("random-feature peak height", **numbers, **LISTS), own.test, 1e-5


def _isotropic(name, field, **numbers):
    return lambda: (of(name, n=ABOVE_AND_BELOW, dim=DIM, **numbers), isotropic(field, numbers.get("ridge", 0.0)), 1e-9)


def _hermite(activation):
    """All coefficients from degree 2 carry the rest of the split, the first two its constant and linear part."""

    def case():
        split = hermite_split(activation if activation not in ("exp", "sin") else getattr(jax.numpy, activation), 1.0, 0.5)
        own = of(f"Hermite coefficient of {activation}", degree=np.arange(120))
        shared = np.sum(own[2:] ** 2 * 0.5 ** np.arange(2, 120))
        return [own[0], own[1], shared], [split.constant, split.linear, split.shared], 1e-9

    return case


BOTH = dict(signal=SIGNAL, noise=NOISE)
CASES = {
    "kernel effective ridge": _kernel_equation, "random-feature effective ridge": _features_equation,
    "random-feature kappa": _features_kappa, "kernel risk": _kernel_risk, "random-feature risk": _features_risk,
    "training over test error": _train_ratio, "overfitting coefficient": _coefficient,
    "kappa at small ridge": _small_ridge, "kappa at large ridge": _large_ridge,
    "isotropic effective ridge": _isotropic("isotropic effective ridge", "kappa", ridge=RIDGE),
    "isotropic risk": _isotropic("isotropic risk", "test", ridge=RIDGE, **BOTH),
    "isotropic training error": _isotropic("isotropic training error", "train", ridge=RIDGE, **BOTH),
    "isotropic optimal ridge": _best_ridge, "isotropic optimal risk": _best_risk,
    "isotropic ridgeless risk": _isotropic("isotropic ridgeless risk", "test", **BOTH),
    "gradient flow risk": _flow, "gradient flow risk at late times": _late, "gradient flow risk at time 0": _early,
    "gradient flow best stopping time": _stop, "power-law effective ridge": _power_law_kappa,
    "power-law ridge": _power_law_ridge, "power-law overfitting coefficient": _power_law_coefficient,
    "power-law risk": _power_law_risk, "power-law optimal training over test error": _power_law_best,
    "power-law exponent of the risk": _power_law_exponent, "isotropic peak height": _peak,
    "isotropic peak half-width": _width, "random-feature peak height": _features_peak,
    **{f"Hermite coefficient of {name}": _hermite(name) for name in ("relu", "sign", "erf", "exp", "sin")},
}


def test_every_formula_has_its_case():
    assert set(CASES) == set(rg.formulas()) and len(rg.formulas()) == len(CASES)


@pytest.mark.parametrize("name", CASES)
def test_formula_equals_the_engine(name):
    found, engine, tolerance = CASES[name]()
    np.testing.assert_allclose(np.asarray(found), np.asarray(engine, float), rtol=tolerance, atol=1e-10)


@pytest.mark.parametrize("name", CASES)
def test_formula_prints_and_typesets(name):
    found = rg.formula(name)
    assert isinstance(found, Formula) and found.assumes in repr(found) and found.source in found._repr_html_()
    assert found.latex.count("{") == found.latex.count("}") and name in (found.latex, repr(found).splitlines()[0])
    # what is left beside the arguments are indices and the count of modes
    letters = {str(letter) for letter in found.full.free_symbols} - {str(letter) for letter in found.arguments.values()}
    assert letters <= {"P", "v^2[i]", "lambda[i]"}


def test_bad_requests_are_sentences():
    with pytest.raises(ValueError, match="such as 'isotropic risk'"):
        rg.formula("isotropic risc")
    with pytest.raises(ValueError, match="needs noise"):
        rg.formula("isotropic optimal ridge")(dim=3, signal=1.0)
    with pytest.raises(ValueError, match="knows no sigma"):
        rg.formula("isotropic optimal ridge")(dim=3, signal=1.0, noise=1.0, sigma=2.0)
    with pytest.raises(ValueError, match="same length"):
        rg.formula("kernel risk")(n=3, kappa=1.0, noise=1.0, eigenvalues=[1.0], power=[1.0, 2.0])
