"""Sequences of stages against chains of moments written anew, limits, and simulation."""

import numpy as np
import pytest

import rfgen as rg
from tests.oracles.dense import dense_risk

P = 40
RNG = np.random.default_rng(1)
SPECTRA, TEACHERS, NOISE = np.exp(RNG.normal(size=(2, P))), RNG.normal(size=(2, P)) / P**0.5, (0.1, 0.3)
TURN = np.linalg.qr(RNG.normal(size=(P, P)))[0]
FLAT = rg.Domains.from_moments({name: (SPECTRA[i], TEACHERS[i], NOISE[i]) for i, name in enumerate("ab")})
TURNED = rg.Domains.from_moments({
    "a": (np.diag(SPECTRA[0]), TEACHERS[0], 0.1), "b": (TURN * SPECTRA[1] @ TURN.T, TEACHERS[1], 0.3),
})
RIDGE, WIDE = rg.Learner(rg.Ridge(0.3)), rg.Learner(rg.Ridge(0.1), features=60)
WEAK = rg.Stage("weak", rg.Learner(rg.Ridge(0.1), features=25), {"a": 30})
SEQUENCES = {
    "weak to strong, tuned": [
        WEAK, rg.Stage("strong", WIDE, {"b": 60}, labels="weak"), rg.Stage("tuned", RIDGE, {"a": 30}, start="strong"),
    ],
    "mixed labels": [
        WEAK, rg.Stage("mix", RIDGE, {"a": 20, "b": 40}, labels={"b": "weak"}, weights={"b": 0.5}, noise={"b": 0.05}),
    ],
    "flow from a model": [WEAK, rg.Stage("flow", rg.Learner(rg.GradientFlow(3.0), features=50), {"b": 40}, start="weak")],
}


def moments(stages):
    """Risks of ridge stages on FLAT by second moments of all models in each mode, equations written anew."""
    gram = np.einsum("tp,up->tup", TEACHERS, TEACHERS)
    places, risks = {"a": 0, "b": 1}, []
    for stage in stages:
        names = list(stage.n)
        S = np.array([SPECTRA["ab".index(name)] for name in names])
        n = np.array([float(stage.n[name]) for name in names])
        a = np.array([float(stage.weights.get(name, 1.0)) for name in names])
        labels = [stage.label_of(name) for name in names]
        noise = [float(stage.noise.get(name, NOISE["ab".index(name)] if label == "truth" else 0.0))
                 for name, label in zip(names, labels, strict=True)]
        ridge, k = float(stage.learner.training.ridge), float(stage.learner.features)
        none = dict(teacher=np.zeros(P), residual=0.0)
        groups = [dict(rows=n[g], weight=a[g], covariance=np.diag(S[g]), **none) for g in range(len(names))]
        solved = dense_risk(groups, k, ridge, dict(covariance=np.eye(P), teacher=np.zeros(P), noise=0.0))
        d, nu = np.array(solved["delta"]), solved["nu"]
        c = n * a / (1 + d)
        Q = 1 / (c @ S + nu)
        T = len(gram)
        taught = np.zeros((len(names), T))
        for g, (name, label) in enumerate(zip(names, labels, strict=True)):
            taught[g, places[name] if label == "truth" else places[label]] = 1.0
        prior = np.zeros(T)
        if stage.start is not None:
            prior[places[stage.start]] = 1.0
        f = np.einsum("p,gp,gt->tp", Q, c[:, None] * S, taught - prior)
        missed = [f - (own - prior)[:, None] for own in taught]
        errors = np.array([np.einsum("tp,tup,up->p", each, gram, each) for each in missed])
        direct = noise + np.sum(S * errors, axis=1)
        e = n * a**2 / (1 + d) ** 2
        pair, plain, size = (S * Q * Q) @ S.T, S @ (Q * Q), len(names)
        A = np.eye(size + 1)
        A[:size, :size] -= pair * e
        A[:size, size], A[size, :size] = -(nu**2) / k * plain, -e * plain
        A[size, size] -= c @ pair @ c / k
        tau = np.linalg.solve(A, [*direct, np.einsum("tp,tup,up->", f, gram, f)])
        K = Q * Q * ((e * tau[:size]) @ S + nu**2 * tau[size] / k)
        M = f + prior[:, None]
        row = np.einsum("tp,tup->up", M, gram)
        grown = np.zeros((T + 1, T + 1, P))
        grown[:T, :T], grown[T, :T], grown[:T, T] = gram, row, row
        grown[T, T] = np.einsum("up,up->p", M, row) + K
        gram, places[stage.name] = grown, T
        risks.append([NOISE[i] + SPECTRA[i] @ (gram[T, T] - 2 * gram[T, i] + gram[i, i]) for i in range(2)])
    return np.array(risks)


@pytest.mark.parametrize("name", list(SEQUENCES)[:2])
def test_second_moments_of_models(name):
    """Worst seen 1e-14."""
    found = rg.predict(FLAT, rg.Sequence(SEQUENCES[name])).test.values
    np.testing.assert_allclose(found, moments(SEQUENCES[name]), rtol=1e-11)


@pytest.mark.parametrize(("name", "domains"), [
    *(pytest.param(name, FLAT, id=name) for name in SEQUENCES), pytest.param("weak to strong, tuned", TURNED, id="turned"),
])
def test_simulation_agrees(name, domains):
    report = rg.check(domains, rg.Sequence(SEQUENCES[name]), trials=60, seed=1)
    assert report.agrees and report.compared >= 4, report


def test_a_covariance_in_any_basis():
    """Two routes: vectors over modes, matrices; and flow, which nodes of a contour give."""
    same = rg.Domains({name: one.shifted(rotate=1e-30) for name, one in FLAT.domains.items()})
    for stages in SEQUENCES.values():
        one, other = (rg.predict(domains, rg.Sequence(stages)).test.values for domains in (FLAT, same))
        np.testing.assert_allclose(one, other, rtol=1e-11)


def test_limits():
    alone = rg.predict(FLAT, RIDGE, {"a": 30}).test.values
    one = rg.predict(FLAT, rg.Sequence([rg.Stage("one", RIDGE, {"a": 30})])).test.values[0]
    np.testing.assert_allclose(one, alone, rtol=1e-12)
    late = rg.Learner(rg.GradientFlow([0.0, np.inf], ridge=0.3))
    curve = rg.predict(FLAT, rg.Sequence([WEAK, rg.Stage("late", late, {"b": 40}, start="weak")])).test
    np.testing.assert_allclose(curve[0, 1], curve[0, 0], rtol=1e-12)  # time 0 changes nothing
    pulled = rg.predict(FLAT, rg.Sequence([WEAK, rg.Stage("pulled", RIDGE, {"b": 40}, start="weak")])).test
    np.testing.assert_allclose(curve[1, 1], pulled[1], rtol=1e-11)  # its end is the ridge that pulls to the start


def test_generations_collapse_unless_real_rows_are_mixed_in():
    task = rg.Task.isotropic(40, noise=0.5)
    domains = rg.Domains({"real": task, "made": task})
    replaced = rg.Sequence.collapse(rg.Learner(rg.Ridge(0.0)), {"made": 120}, "made", 4, noise=0.5)
    mixed = rg.Sequence.collapse(rg.Learner(rg.Ridge(0.0)), {"real": 60, "made": 60}, "made", 4, noise=0.5)
    worse, better = (rg.predict(domains, one, test="real").test.values - 0.5 for one in (replaced, mixed))
    # least squares: every generation adds noise * p/(n - p - 1), to leading order
    np.testing.assert_allclose(worse, 0.5 * 40 / 80 * np.arange(1, 5), rtol=1e-9)
    assert (np.diff(better) > 0).all() and better[-1] < worse[-1] and np.diff(better)[-1] < np.diff(better)[0]
