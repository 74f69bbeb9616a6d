"""Expressions: what matches, what is positive, what is shared, and the equations that come of them."""

import pickle
import re

import numpy as np
import pytest
from matplotlib.mathtext import MathTextParser

import rfgen as rg
from rfgen.algebra.interned import ExpressionError
from rfgen.algebra.matrices import nodes
from rfgen.algebra.pencil import linearise
from rfgen.algebra.structure import structure

a = rg.algebra
X, U, W = a.data("X"), a.data("U", samples="m"), a.random_features("k")
Y, WEIGHTS = a.labels(X), a.ridge_fit(X, a.labels(X))
DISTILLED = a.ridge_fit(U, U @ WEIGHTS, ridge="ridge2", features="k")

REFUSED = {
    "a sum": (lambda: X @ X.T + X, "spaces n and inputs do not match in + of X X.T and X"),
    "a product": (lambda: X @ U, "spaces inputs and m do not match in @"),
    "not square": (lambda: (X @ W).inverse, "only square matrices have an inverse"),
    "not symmetric": (lambda: (X.T @ X @ W @ W.T).inverse, "not positive"),
    "negative": (lambda: (X.T @ X - 1).inverse, "not positive: -1 1_inputs"),
    "a difference": (lambda: (X.T @ X - U.T @ U).inverse, "not positive: -1 U.T U"),
    "two flows": (
        lambda: a.Estimator(a.ridge_fit(U, U @ a.ridge_fit(X, Y, time="t"), time="t2")), "at most one gradient flow"
    ),
    "a flow squared": (
        lambda: a.Estimator((X.T @ X).flow("t") @ (X.T @ X).flow("t") @ X.T @ Y), "linear in its gradient flow"
    ),
    "test points": (lambda: a.Estimator(WEIGHTS, inputs=X @ W @ W.T), "inputs must be data"),
    "features of views": (
        lambda: a.ridge_fit(a.view(X, 0.1, "E"), Y, features=a.random_features("k", activation="tanh")),
        "nonlinear features are of rows made by data",
    ),
    "other rows": (lambda: a.ridge_fit(X, a.labels(U)), "spaces n and m do not match in ridge_fit"),
    "rows of NumPy": (lambda: a.ridge_fit(np.ones((3, 2)), np.ones(3)), "are made by rg.algebra, as X = data"),
    "a function of NumPy": (lambda: np.linalg.inv(X.T @ X), "functions of NumPy do not take X.T X"),
    "a number of features": (lambda: a.ridge_fit(X, Y, features=100), 'the name of their number, such as "k"'),
    "no labels": (lambda: a.labels(X @ W), "labels are of rows made by data"),
    "no weights": (lambda: a.Estimator(Y), "vector of weights on inputs"),
    "a taken name": (lambda: a.Estimator(a.ridge_fit(X, Y, ridge="trials")), "trials is an argument of the verbs"),
    "a scalar": (lambda: a.scalar("2k"), "a scalar is a name"),
    "a covariance": (lambda: a.Gaussian("Z", X.rows, X.columns, a.covariance("n")), "must be a Diagonal there"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_has_no_meaning_is_refused(case):
    make, said = REFUSED[case]
    with pytest.raises(ExpressionError, match=re.escape(said)):
        make()


def test_equal_expressions_are_one_object():
    again = a.ridge_fit(a.data("X"), a.labels(a.data("X")))
    assert again is WEIGHTS and pickle.loads(pickle.dumps(again)) is WEIGHTS
    assert len(nodes(WEIGHTS)) == len(set(nodes(WEIGHTS))) < 20
    assert (X.T @ X + a.scalar("ridge")).T is X.T @ X + "ridge"
    with pytest.raises(AttributeError):
        WEIGHTS.parts = ()


def test_what_is_computed_twice_is_computed_once():
    """Unknowns grow with the rounds as they must: a pair of traces for each pair of resolvents of the same data."""
    weights, sizes = WEIGHTS, []
    for _ in range(7):
        found = structure(linearise({"weights": weights}))
        sizes.append((len(found.pencil.inverses), len(found.traces), len(found.cores), len(found.levels)))
        weights = a.ridge_fit(X, X @ weights)
    assert sizes == [(r, r * (r + 1), 1, r * (r - 1) // 2) for r in range(1, 8)]
    assert len(structure(linearise({"error": DISTILLED - a.teacher("n")})).traces) == 6


def test_the_textbook_systems_are_printed():
    ridge, features = (a.Estimator(own).equations() for own in (WEIGHTS, a.ridge_fit(X, Y, features="k")))
    assert str(ridge).splitlines()[-3:] == [
        "n = df1 + ridge/kappa", "df1 = Sum(lambda[i]/(kappa + lambda[i]), (i, 1, p))", "kappa = ridge/u_2"
    ]
    assert str(features).splitlines()[-5:-2] == [
        "n = df1 + ridge/kappa", "k = df1 + k*kappa/gamma", "df1 = Sum(lambda[i]/(gamma + lambda[i]), (i, 1, p))"
    ]
    assert r"df_{1} &= \sum_{i=1}^{p} \frac{{\lambda}_{i}}{\kappa + {\lambda}_{i}}" in ridge.latex
    for latex in (ridge.latex, features.latex, a.Estimator(DISTILLED).equations().latex):
        for line in latex.splitlines()[1:-1]:  # each line is read, or the parser says what it is not
            MathTextParser("path").parse(f"${line.removesuffix(chr(92) * 2).replace('&', '')}$")


def test_printed_equations_are_those_that_are_solved():
    """Put into the printed equations of a distilled student, the numbers of its solver leave nothing."""
    import numpy as np
    import sympy

    from rfgen.problems.space_tasks import SpaceTasks
    from rfgen.theory.compiled.numbers import numbers_of
    from rfgen.theory.compiled.solver import solve

    student, task = a.Estimator(DISTILLED), rg.Task([1.0, 0.5, 0.2], [0.5, 0.3, 0.1], noise=0.1)
    point = {"n": 4.0, "m": 6.0, "k": 5.0, "ridge": 0.3, "ridge2": 0.2}
    numbers = numbers_of(student, SpaceTasks.of(task, student.samples, None), {})(point)
    exact = solve(student.structure(), numbers, (("error", "error", ("covariance[n]",)),), 0.2).values[0]
    printed = student.equations()
    values = {"lambda": task.eigenvalues, "beta": np.sqrt(task.power[0] / task.eigenvalues)}
    lines = {own.lhs: own.rhs for own in [*printed.cores, *printed.linear]}
    given = {sympy.Symbol("p"): 3, sympy.Symbol("sigma2"): 0.1, **{sympy.Symbol(k): v for k, v in point.items()}}
    given |= {sympy.IndexedBase(k)[i + 1]: v for k, own in values.items() for i, v in enumerate(own)}
    right = {left: own.subs({sympy.Symbol("p"): 3}).doit().subs(given) for left, own in lines.items()}
    unknowns = [left for left in right if left.name != "E_error"]
    system = sympy.lambdify([unknowns], [right[own] for own in unknowns])
    u = np.array([-1.0 if "-" in str(right[own]) and own.name in ("u_1", "u_5") else 1.0 for own in unknowns])
    for _ in range(2000):
        u = 0.5 * u + 0.5 * np.array(system(u), float)
    found = float(right[sympy.Symbol("E_error")].subs(dict(zip(unknowns, u, strict=True))))
    assert abs(found / exact - 1) < 1e-9
