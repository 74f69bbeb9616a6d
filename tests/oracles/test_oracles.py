"""The oracles against each other, against the reference table, and against the stored case table."""

import ast
import math
import pathlib

import flint
import mpmath
import numpy as np
import pytest
from flint import arb

from tests.oracles import make_cases
from tests.oracles.dense import dense_risk, objective
from tests.oracles.scalar import exact_risk

INF = math.inf

# alpha, beta, n, k, ridge, noise -> test, train, kappa, gamma: THEORY.md section 6, digits as printed there. They
# belong to decimal exponents and ridges: with floats in their place the fourth training error ends in 41, not 42.
REFERENCE = [
    ((1.5, 1.5, 256, 10, "1e-3", 0.5),
     ("1.60390894246605", "1.48105562766923", "4.06503419967602e-6", "0.104132046422413")),
    ((1.5, 1.5, 256, 300, "1e-3", 0.5),
     ("3.54165190569495", "0.00386484503558511", "1.18248850888941e-4", "6.76264938500948e-4")),
    ((1.5, 1.5, 256, 1000, "0.1", 0.5),
     ("0.91710566821632", "0.113636655141531", "1.10971256263021e-3", "1.33040966505414e-3")),
    ((1.2, 1.6, 400, INF, "1e-6", 0.1),
     ("0.231054749187573", "4.04970366623342e-13", "1.88836453682258e-3", "1.88836453682258e-3")),
    ((2.0, 1.4, 100, INF, "0", 0),
     ("0.573824854097869", "0", "2.34241324844212e-4", "2.34241324844212e-4")),
    ((1.5, 1.5, 256, 257, "1e-8", 0.5),
     ("169.491427951201", "4.16065006495385e-8", "2.49317813026341e-6", "6.38187046425818e-4")),
]

SHORT = dict(eigenvalues=[2.0, 1.0, 0.5, 0.25, 0.1], power=[1.0, 0.7, 0.5, 0.2, 0.1])
# Spectra are made of Python powers, which another libm may round differently by 1e-16; values move at most twice that.
DRIFT = 1e-14


@pytest.mark.parametrize("settings, printed", REFERENCE)
def test_reference_table_to_every_digit(settings, printed):
    alpha, beta, n, k, ridge, noise = settings
    with flint.ctx.workprec(1000):
        eigenvalues, power = ([arb(i) ** -arb(str(exponent)) for i in range(1, 2001)] for exponent in (alpha, beta))
        ridge = arb(ridge)
    values = exact_risk(eigenvalues, power, noise, n, k, ridge)
    for name, text in zip(("test", "train", "kappa", "gamma"), printed, strict=True):
        digits = len(text.split("e")[0].replace(".", "").lstrip("0"))
        exact = values[name]
        assert mpmath.mpf(mpmath.nstr(exact, digits)) == mpmath.mpf(text) if digits else exact == 0, (name, exact)


@pytest.mark.parametrize("n, k, ridge", [(3, 4, 1e-6), (4, 4, 1e-30), (20, 50, 1e-3), (3, INF, 7.0), (2.5, 1, 1e8)])
def test_root_by_plain_mpmath(n, k, ridge):
    """The equation itself, bisected in mpmath without balls, and the two coupled equations it stands for."""
    with mpmath.workdps(80):
        eigenvalues = [mpmath.mpf(x) for x in SHORT["eigenvalues"]]

        def trace(gamma):
            return sum(x / (x + gamma) for x in eigenvalues)

        def below(u):
            z = trace(mpmath.exp(u))
            if z >= min(n, k):
                return True
            return mpmath.exp(u) * (n - z) * (1 if k == INF else 1 - z / k) < ridge

        low, high = mpmath.mpf(-200), mpmath.mpf(200)
        for _ in range(250):
            middle = (low + high) / 2
            low, high = (middle, high) if below(middle) else (low, middle)
        values = exact_risk(**SHORT, noise=0.1, n=n, k=k, ridge=ridge, digits=50)
        assert abs(mpmath.log(values["gamma"]) - low) < mpmath.mpf(10) ** -48
        kappa, gamma = values["kappa"], values["gamma"]
        assert abs(trace(gamma) + ridge / kappa - n) < mpmath.mpf(10) ** -30
        if k != INF:
            assert abs(trace(gamma) + k * kappa / gamma - k) < mpmath.mpf(10) ** -30


LIMITS = [
    (noise, n, k, null)
    for noise, null in ((0.2, 0.3), (0.2, 0.0), (0.0, 0.3), (0.0, 0.0))
    for n, k in (
        (3, INF), (3, 4), (4, 3), (3, 3), (3, 5), (3, 9), (5, 3), (9, 3),
        (5, INF), (5, 9), (9, 5), (5, 5), (9, INF), (9, 12), (12, 9), (9, 9),
    )
]


@pytest.mark.parametrize("noise, n, k, null", LIMITS)
def test_ridgeless_values_are_limits(noise, n, k, null):
    """Five modes: ridge 0 is what ridge 1e-60 and 1e-80 tend to, field by field; inf where they grow as a power."""
    limit, near, nearer = (
        exact_risk(**SHORT, noise=noise, n=n, k=k, ridge=ridge, null_power=null) for ridge in (0.0, 1e-60, 1e-80)
    )
    for name, value in limit.items():
        if mpmath.isinf(value):
            assert nearer[name] > 1e6 * near[name] > 1e20, name
        else:
            assert abs(nearer[name] - value) <= 1e-22 * (1 + abs(value)), name


@pytest.mark.parametrize("n, k", [(3, 3), (5, 5), (5, INF), (5, 9), (9, 5)])
def test_ridgeless_zero_target(n, k):
    """No target and no noise: nothing to learn, every risk and norm is 0, also at the peak."""
    for ridge in (0.0, 1e-60):
        values = exact_risk(SHORT["eigenvalues"], [0.0] * 5, 0.0, n, k, ridge)
        assert all(values[name] == 0 for name in ("test", "train", "bias", "variance", "noise", "norm"))


def test_root_that_is_a_round_number():
    """One mode, n = 1, ridge 1/2: gamma = 1 exactly; a sign test exactly at the root cannot be decided."""
    assert abs(exact_risk([1.0], [1.0], 0.0, 1, INF, 0.5)["gamma"] - 1) < 1e-39


def test_case_table_is_sound():
    records = make_cases.load()
    assert len({record["slug"] for record in records}) == len(records) == len(make_cases.CASES) >= 80
    assert {record["difficulty"] for record in records} == {"easy", "hard", "extreme"}
    for record in records:
        value = {name: mpmath.mpf(text) for name, text in record["expected"].items()}
        total = value["bias"] + value["variance"] + value["noise"]
        assert value["test"] == total or abs(value["test"] - total) < 1e-14 * value["test"], record["slug"]
        assert all(v >= 0 for v in value.values()), record["slug"]


def test_case_table_has_not_drifted():
    """Every stored value, recomputed (the whole table takes about 1.5 s)."""
    for record, case in zip(make_cases.load(), make_cases.CASES, strict=True):
        assert [record[name] for name in ("slug", "spectrum", "noise", "n", "k", "ridge")] == list(case[:6])
        again = make_cases.expected(*case[1:6])
        for name, text in record["expected"].items():
            stored, fresh = mpmath.mpf(text), mpmath.mpf(again[name])
            assert stored == fresh or abs(stored - fresh) <= DRIFT * abs(stored), (record["slug"], name)


def test_oracles_are_independent():
    for path in pathlib.Path(__file__).parent.glob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            names = [getattr(node, "module", None) or ""]
            if isinstance(node, ast.Import):
                names = [alias.name for alias in node.names]
            assert not any(name.split(".")[0] == "rfgen" for name in names), path


@pytest.mark.parametrize(
    "n, k, ridge", [(30, INF, 1e-2), (30, 20, 1e-2), (10, 80, 0.3), (60, 35, 1e-4), (25, INF, 1e-5), (25, 26, 1e-3)]
)
@pytest.mark.parametrize("rotated", [False, True])
def test_dense_engine_is_the_scalar_law(n, k, ridge, rotated):
    """One group, weight 1/n, lambda = ridge / n; a rotation of the coordinates changes nothing. Worst seen 2e-14."""
    rng = np.random.default_rng([n, round(1e6 * ridge)])
    size = 40
    eigenvalues, power = rng.gamma(0.7, size=size) + 1e-3, rng.normal(size=size) ** 2
    basis = np.linalg.qr(rng.normal(size=(size, size)))[0] if rotated else np.eye(size)
    covariance, teacher = basis * eigenvalues @ basis.T, basis @ np.sqrt(power / eigenvalues)
    group = dict(rows=n, weight=1 / n, covariance=covariance, teacher=teacher, residual=0.3)
    population = dict(covariance=covariance, teacher=teacher, noise=0.3)
    dense = dense_risk([group], k, ridge / n, population)
    exact = exact_risk(list(eigenvalues), list(power), 0.3, n, k, ridge)
    pairs = [
        (dense["test"], exact["test"]),
        (dense["tau"][0], exact["test"]),
        (dense["train"][0], exact["train"]),
        (dense["bias"], exact["bias"]),
        (dense["alpha"], exact["norm"]),
        (dense["nu"] * (1 + dense["delta"][0]), exact["gamma"]),
    ]
    for ours, theirs in pairs:
        assert ours == pytest.approx(float(theirs), rel=1e-10)


def _derivative(f, step):
    """Eighth-order central difference at 0."""
    weights = {1: 4 / 5, 2: -1 / 5, 3: 4 / 105, 4: -1 / 280}
    return sum(w * (f(j * step) - f(-j * step)) for j, w in weights.items()) / step


@pytest.mark.parametrize("k, ridge_lambda, seed", [(INF, 0.05, 0), (15, 0.1, 1), (40, 0.01, 2)])
def test_dense_observables_are_derivatives_of_one_scalar(k, ridge_lambda, seed):
    """Three groups that do not commute, one of them label-free, and another population. Worst seen 8e-13."""
    rng = np.random.default_rng(seed)
    size = 12

    def covariance():
        root = rng.normal(size=(size, size)) * np.geomspace(1, 0.1, size)
        return root @ root.T / size

    groups = [
        dict(rows=20, weight=1 / 20, covariance=covariance(), teacher=rng.normal(size=size), residual=0.3),
        dict(rows=35, weight=0.04, covariance=covariance(), teacher=rng.normal(size=size), residual=0.1),
        dict(rows=40, weight=0.01, covariance=covariance(), teacher=np.zeros(size), residual=0.0),
    ]
    population = dict(covariance=covariance(), teacher=rng.normal(size=size), noise=0.2)
    dense = dense_risk(groups, k, ridge_lambda, population)

    def reweighted(g, change):
        weight = groups[g]["weight"] * (1 + change)
        return [{**group, "weight": weight} if i == g else group for i, group in enumerate(groups)]

    slope = _derivative(lambda h: objective(groups, k, ridge_lambda, population, h), 2e-3)
    assert slope == pytest.approx(dense["test"], rel=1e-8)
    slope = _derivative(lambda e: objective(groups, k, ridge_lambda * (1 + e), population), 2e-2) / ridge_lambda
    assert slope == pytest.approx(dense["alpha"], rel=1e-8)
    for g, group in enumerate(groups):
        slope = _derivative(lambda e, g=g: objective(reweighted(g, e), k, ridge_lambda, population), 2e-2)
        assert slope / group["weight"] == pytest.approx(group["rows"] * dense["train"][g], rel=1e-8)


def test_dense_engine_ignores_an_empty_group():
    """A group without covariance and residual (augmentation of strength 0) changes nothing."""
    rng = np.random.default_rng(3)
    covariance, teacher = np.diag(rng.gamma(1.0, size=8)), rng.normal(size=8)
    group = dict(rows=20, weight=1 / 20, covariance=covariance, teacher=teacher, residual=0.3)
    empty = dict(rows=60, weight=1 / 80, covariance=np.zeros((8, 8)), teacher=np.zeros(8), residual=0.0)
    population = dict(covariance=covariance, teacher=teacher, noise=0.3)
    alone, both = dense_risk([group], 15, 0.1, population), dense_risk([group, empty], 15, 0.1, population)
    assert both["test"] == pytest.approx(alone["test"], rel=1e-12)
    assert both["train"][1] == 0
