"""Classifiers by convex losses: against the ridge engine, closed forms, limits, other routes, and on random settings."""

from dataclasses import replace
from functools import partial
from itertools import pairwise

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy import integrate, special, stats

import rfgen as rg
from rfgen.equivalents.margin.ridge_path import loss_of
from rfgen.numerics.compilation.program import program
from rfgen.numerics.quadrature.normal_quadrature import normal_nodes
from rfgen.problems.classes.class_groups import ClassGroups
from rfgen.problems.classes.teacher import Teacher
from rfgen.theory.classification.adversarial import linf_training
from rfgen.theory.classification.averaging import averaging
from rfgen.theory.classification.discriminant import discriminant
from rfgen.theory.classification.margin import margin_classifier, margin_distribution
from rfgen.theory.classification.separability import separability_threshold, teacher_separability_threshold
from rfgen.theory.classification.teacher import teacher_classifier, teacher_moments
from rfgen.theory.classification.weight_law import adversarial_error, weight_law
from tests.oracles.dense import dense_risk

SMOOTH = ("square", "logistic", "hinge", "squared_hinge")
# Of 200 random settings; the worst left was 1e-13.
RESIDUAL = 1e-10
# Ways in which a setting has no solution, and how many of 200 random ones may have none (measured 39).
MOST_WITHOUT_SOLUTION = 60


def spectrum(dim, decay=0.6):
    values = np.arange(1.0, dim + 1.0) ** -decay
    return values / values.mean()


def mixture(dim=60, prior=0.3, flip=0.1, length=1.7, seed=0):
    mean = np.random.default_rng(seed).normal(size=dim)
    return rg.Mixture(length * mean / np.linalg.norm(mean), spectrum(dim), prior, flip)


@pytest.fixture(autouse=True)
def _double():
    with jax.enable_x64(True):
        yield


solve = program(margin_classifier, static_argnames=("loss", "intercept"))
solve_teacher = program(teacher_classifier, static_argnames=("loss", "intercept"))


@pytest.mark.parametrize("features", [np.inf, 50.0])
@pytest.mark.parametrize("ridge", [0.0, 3.0])
def test_square_loss_on_a_teacher_is_ridge_regression(features, ridge):
    dim, n = 80, 150
    teacher = Teacher(np.linspace(1.0, 2.0, dim), spectrum(dim), "probit", scale=0.5, flip=0.1)
    along = 0.8 * np.sqrt(2.0 / np.pi) / np.sqrt(1.25)  # E[y u]
    task = rg.Task(spectrum(dim), spectrum(dim) * (along * teacher.direction) ** 2, noise=1.0 - along**2)
    curve = rg.predict(task, rg.Learner(rg.Ridge(ridge), features=features), n)
    found = solve_teacher(teacher_moments(teacher), n, "square", ridge, features)
    risk = 1.0 - 2.0 * along * found.overlap + found.spread
    assert found.converged
    np.testing.assert_allclose([float(risk), float(found.norm)], [float(curve.test), float(curve.norm)], rtol=1e-10)


def test_square_loss_on_a_mixture_tends_to_ridge_regression_on_its_second_moments():
    """Error Phi(-wbar.mu / sqrt(wbar'S wbar + tr S V)) from one population of covariance S + mu mu'; they differ by mu'Q mu
    in gamma, of relative order 1/n."""
    differences = []
    for dim, n in ((160, 240), (320, 480)):  # a dense matrix of 480 takes 25 s
        each, ridge = mixture(dim, prior=0.5), 2.0
        clean = np.diag(each.covariance)
        second = clean + np.outer(each.mean, each.mean)
        teacher = (1.0 - 2.0 * each.flip) * np.linalg.solve(second, each.mean)
        group = {"rows": n, "weight": 1.0, "covariance": second, "teacher": teacher}
        group["residual"] = 1.0 - teacher @ second @ teacher
        of = partial(dense_risk, [group], np.inf, ridge)
        risk = of({"covariance": clean, "teacher": np.zeros(dim), "noise": 0.0})["test"]  # E w'S w
        delta = of({"covariance": clean, "teacher": teacher, "noise": 0.0})["delta"][0]
        strength = n / (1.0 + delta)
        mean = np.linalg.solve(strength * second + ridge * np.eye(dim), strength * second @ teacher)
        error = stats.norm.cdf(-mean @ each.mean / np.sqrt(risk))
        differences.append(float(solve(each.groups(n).moments, "square", ridge).error[0]) / error - 1.0)
    assert abs(differences[0]) < 5e-3
    np.testing.assert_allclose(differences[0] / differences[1], 2.0, rtol=0.05)


@pytest.mark.parametrize("loss", SMOOTH)
@pytest.mark.parametrize("features", [np.inf, 50.0])
def test_the_objective_changes_with_the_ridge_by_half_the_norm_and_with_a_weight_by_the_loss(loss, features):
    moments = mixture().groups(150).moments

    def objective(ridge, weights):
        found = margin_classifier(replace(moments, weights=weights), loss, ridge, features, intercept=True)
        return jnp.sum(moments.counts * weights * found.train_loss) + 0.5 * ridge * found.norm, found

    at = jnp.asarray(4.0), jnp.asarray([1.0, 2.0, 1.5, 0.5])
    (by_ridge, by_weight), found = program(jax.grad(objective, argnums=(0, 1), has_aux=True))(*at)
    np.testing.assert_allclose(by_ridge, 0.5 * found.norm, rtol=1e-9)
    np.testing.assert_allclose(by_weight, moments.counts * found.train_loss, rtol=1e-9)


def test_derivatives_are_those_of_differences():
    each = mixture()
    moments = each.groups(150).moments

    def error(ridge):
        return margin_classifier(moments, "logistic", ridge, intercept=True).error[0]

    slope = program(jax.grad(error))(5.0)
    difference = (solve(moments, "logistic", 5.0 + 1e-3, intercept=True).error[0] - error(5.0 - 1e-3)) / 2e-3
    np.testing.assert_allclose(slope, difference, rtol=1e-5)


@pytest.mark.parametrize("loss", ["logistic", "hinge", "hinge(0.7)", "squared_hinge"])
@pytest.mark.parametrize(
    ("mean", "deviation", "gamma", "scale"), [(0.3, 1.0, 2.0, 1.0), (-5.0, 30.0, 1e3, 1e-2), (1.0, 0.1, 1e-3, 5.0)]
)
def test_forces_are_integrals(loss, mean, deviation, gamma, scale):
    rows = loss_of(loss)
    kinks = rows.kinks(jnp.asarray(gamma), jnp.asarray(scale))
    nodes, weights = normal_nodes(mean, deviation, kinks)
    force, slope = rows.force(nodes, gamma, scale)

    def psi(w):
        ratio = gamma / scale
        if loss.startswith("hinge"):
            return min(max((1 - w) / (gamma + 0.7 * scale * (loss != "hinge")), 0.0), 1.0 / scale)
        if loss == "squared_hinge":
            return max(1 - w, 0.0) / (scale + gamma)
        low, high = w - 1.0, w + ratio + 1.0
        for _ in range(200):
            middle = 0.5 * (low + high)
            low, high = (middle, high) if middle - w - ratio * special.expit(-middle) < 0 else (low, middle)
        return special.expit(-0.5 * (low + high)) / scale

    edges = np.unique(np.clip([*np.linspace(-9, 9, 19), *(np.asarray(kinks) - mean) / deviation], -9, 9))

    def integral(power):
        def density(z):
            return psi(mean + deviation * z) ** power * np.exp(-0.5 * z * z) / np.sqrt(2 * np.pi)

        return sum(integrate.quad(density, *ends, epsabs=1e-13 / scale, epsrel=1e-11)[0] for ends in pairwise(edges))

    np.testing.assert_allclose([weights @ force, weights @ force**2], [integral(1), integral(2)], rtol=1e-9)
    # Stein: E[-psi'] = -E[psi Z]/deviation, to the rounding of the difference
    stein = -float(weights @ (force * (nodes - mean))) / deviation**2
    np.testing.assert_allclose(weights @ slope, stein, rtol=1e-6, atol=1e-9 / scale)


def test_limits_of_the_ridge():
    moments = mixture(prior=0.5).groups(40).moments
    hard = solve(moments, "hard_margin")
    for loss in ("hinge", "squared_hinge"):
        np.testing.assert_allclose(solve(moments, loss, 0.0).error, hard.error, rtol=1e-9)
        np.testing.assert_allclose(solve(moments, loss, 1e-9).norm, hard.norm, rtol=1e-6)
    assert not solve(moments, "logistic", 0.0).converged  # separable: no finite minimiser
    np.testing.assert_allclose(solve(moments, "logistic", 1e-12).error, hard.error, rtol=0.05)
    mean = averaging(moments)
    for loss in SMOOTH:  # every row pulls alike
        np.testing.assert_allclose(solve(moments, loss, 1e9).error, mean.error, rtol=1e-6)
    many = mixture(prior=0.5).groups(1000).moments
    assert not solve(many, "hard_margin").converged
    for loss in SMOOTH:
        np.testing.assert_allclose(solve(many, loss, 0.0).error, solve(many, loss, 1e-7).error, rtol=1e-6)


def test_smoothed_hinge_lies_between_the_hinge_and_its_square():
    for one, two, factor in (
        (rg.SmoothedHinge(3.0, 1e-9), rg.Hinge(3.0), 1.0), (rg.SmoothedHinge(3.0, 200.0), rg.SquaredHinge(1200.0), 400.0)
    ):
        found, like = (rg.predict(mixture(), rg.Learner(each), n=150) for each in (one, two))
        for name in ("error", "norm", "train_error", "support"):
            np.testing.assert_allclose(found[name], like[name], rtol=1e-7)
        np.testing.assert_allclose(factor * found.train_loss, like.train_loss, rtol=1e-7)


def test_hard_margins_exist_where_the_threshold_says():
    rng = np.random.default_rng(1)
    for _ in range(20):
        # dim is one off, which of 2,000 is not seen
        dim, flip, prior = 2000, rng.choice([0.0, rng.uniform(0, 0.3)]), rng.uniform(0.2, 0.5)
        each = mixture(dim, prior, flip, rng.uniform(0.3, 3.0))
        kappa = np.sqrt(np.sum(each.mean**2 / each.covariance))
        intercept = bool(rng.random() < 0.5)
        critical = float(separability_threshold(kappa, prior, flip, intercept))
        for ratio, exists in ((1.02, True), (0.98, False)):
            n = dim / (critical * ratio)
            if n * prior < 1.0:
                continue
            assert bool(solve(each.groups(n).moments, "hard_margin", intercept=intercept).converged) == exists


def test_labels_of_a_teacher_separate_where_the_threshold_says():
    for link, scale, flip, intercept in (("logistic", 0.25, 0.0, False), ("sign", 1.0, 0.1, True)):
        critical = float(teacher_separability_threshold(link, scale, flip))
        taught = teacher_moments(Teacher(np.ones(2000), np.linspace(0.5, 1.5, 2000), link, scale, flip))
        for ratio in (1.02, 0.98):
            found = solve_teacher(taught, 2000 / (critical * ratio), "hard_margin", intercept=intercept)
            assert bool(found.converged) == (ratio > 1.0)
    limits = [teacher_separability_threshold("logistic", 1e6), teacher_separability_threshold("sign")]
    np.testing.assert_allclose(limits, [0.5, 0.0], atol=1e-9)


def test_groups_split_scale_and_swap():
    each = mixture()
    groups = each.groups(150)
    one = solve(groups.moments, "logistic", 3.0, intercept=True)
    halves = ClassGroups(
        np.repeat(groups.counts / 2, 2), np.repeat(groups.labels, 2), np.repeat(groups.means, 2, axis=0),
        np.repeat(groups.variances, 2, axis=0), classes=np.repeat(groups.classes, 2),
    )
    np.testing.assert_allclose(solve(halves.moments, "logistic", 3.0, intercept=True).error[::2], one.error, rtol=1e-11)
    larger = rg.Mixture(7 * each.mean, 49 * each.covariance, each.prior, each.flip).groups(150)
    np.testing.assert_allclose(solve(larger.moments, "logistic", 147.0, intercept=True).error, one.error, rtol=1e-11)
    other = rg.Mixture(each.mean, each.covariance, 1 - each.prior, each.flip).groups(150)
    swapped = solve(other.moments, "logistic", 3.0, intercept=True)
    np.testing.assert_allclose(swapped.error[:2], one.error[1::-1], rtol=1e-11)
    # covariances given class by class, equal: not compressed
    nearly = np.stack([each.covariance, each.covariance * (1 + 1e-15)])
    raw = rg.Mixture(each.mean, nearly, each.prior, each.flip).groups(150)
    np.testing.assert_allclose(solve(raw.moments, "logistic", 3.0, intercept=True).error, one.error, rtol=1e-11)
    doubled = replace(groups.moments, weights=np.full(4, 2.0))
    np.testing.assert_allclose(solve(doubled, "logistic", 6.0, intercept=True).error, one.error, rtol=1e-11)


def test_groups_without_rows_are_tested_on():
    each = mixture(flip=0.0)
    groups = each.groups(150)
    shifted = ClassGroups(
        [*groups.counts[:2], 0.0], [1, -1, 1], [each.mean, -each.mean, 0.5 * each.mean],
        np.stack([each.covariance, each.covariance, 2.0 * each.covariance]),
    )
    for loss in ("logistic", "hinge"):
        one = solve(groups.moments, loss, 3.0, intercept=True)
        found = solve(shifted.moments, loss, 3.0, intercept=True)
        assert one.converged and found.converged
        np.testing.assert_allclose(found.error[:2], one.error[:2], rtol=1e-10)
        margin = (0.5 * one.overlap[0] + one.intercept) / np.sqrt(2.0 * one.spread[0])
        np.testing.assert_allclose(found.error[2], stats.norm.cdf(-margin), rtol=1e-10)


def test_features_tend_to_the_inputs():
    moments = mixture().groups(150).moments
    exact = solve(moments, "hinge", 3.0, intercept=True)
    many = solve(moments, "hinge", 3.0, 1e9, intercept=True)
    np.testing.assert_allclose(many.error, exact.error, rtol=1e-6)
    np.testing.assert_allclose(many.norm, exact.norm, rtol=1e-6)


def test_closed_forms_of_averaging_and_discriminant():
    each = mixture(prior=0.5)
    found = averaging(each.groups(150).moments)
    signal = (1 - 2 * each.flip) * each.mean @ each.mean
    spread = (1 - 2 * each.flip) ** 2 * each.mean**2 @ each.covariance + np.sum(each.covariance**2) / 150
    np.testing.assert_allclose(found.error, stats.norm.cdf(-signal / np.sqrt(spread)), rtol=1e-12)
    clean = mixture(prior=0.5, flip=0.0)
    distance = 2 * np.sqrt(np.sum(clean.mean**2 / clean.covariance))
    for n in (100, 250):
        ratio = clean.dim / n
        closed = stats.norm.cdf(-0.5 * distance * np.sqrt(1 - ratio) * distance / np.sqrt(distance**2 + 4 * ratio))
        np.testing.assert_allclose(discriminant(clean.groups(n).moments, intercept=True).error, closed, rtol=1e-10)
    assert not discriminant(clean.groups(50).moments).converged


def test_bayes_is_reached_with_many_samples():
    each = mixture(prior=0.2, flip=0.0)
    kappa = np.sqrt(np.sum(each.mean**2 / each.covariance))
    shift = np.log(0.2 / 0.8) / (2 * kappa)
    bayes = stats.norm.cdf([-kappa - shift, -kappa + shift])
    for found in (
        solve(each.groups(1e8).moments, "logistic", 0.0, intercept=True),
        discriminant(each.groups(1e8).moments, intercept=True),
    ):
        np.testing.assert_allclose(found.error[:2], bayes, rtol=1e-4)


def test_the_law_of_the_weights_and_attacks():
    each = mixture()
    groups = each.groups(150)
    found = solve(groups.moments, "logistic", 3.0, intercept=True)
    law = weight_law(found, groups.means, groups.variances)
    np.testing.assert_allclose(law.l2**2, found.norm, rtol=1e-10)
    np.testing.assert_allclose(law.mean @ groups.means.T, found.overlap, rtol=1e-9)
    sample = np.asarray(law.mean) + np.sqrt(law.variance) * np.random.default_rng(0).normal(size=(20000, each.dim))
    np.testing.assert_allclose(law.l1, np.abs(sample).sum(axis=1).mean(), rtol=2e-3)
    for norm in ("l2", "linf"):
        attacked = partial(adversarial_error, found, groups.means, groups.variances, groups.classes, norm=norm)
        np.testing.assert_allclose(attacked(0.0), found.error, rtol=1e-10)
        assert np.all(attacked(0.1) > found.error)
    with pytest.raises(ValueError, match="norm must be 'l2' or 'linf', got 'l1'"):
        adversarial_error(found, groups.means, groups.variances, groups.classes, 0.1, norm="l1")


def test_adversarial_training_lowers_the_error_it_trains_for():
    groups = mixture(flip=0.0).groups(1500)
    plain = solve(groups.moments, "logistic", 0.3, intercept=True)
    np.testing.assert_allclose(linf_training(groups, "logistic", 0.3, 0.0, intercept=True).error, plain.error, rtol=1e-10)
    given = groups.means, groups.variances, groups.classes
    shares = groups.counts / groups.counts.sum()
    robust = linf_training(groups, "logistic", 0.3, 0.05, intercept=True)
    assert shares @ robust.robust_error < shares @ adversarial_error(plain, *given, 0.05, "linf")
    trained = solve(groups.moments, "logistic", 0.3, intercept=True, radius=0.3)
    attack = [shares @ adversarial_error(each, *given, 0.3, "l2") for each in (trained, plain)]
    assert attack[0] < attack[1]
    assert not solve(groups.moments, "logistic", 0.3, intercept=True, radius=30.0).converged  # best without weights


def test_margins_of_training_rows():
    moments, few = mixture().groups(150).moments, mixture().groups(40).moments
    for loss in (*SMOOTH, "hard_margin"):
        found = solve(moments if loss in SMOOTH else few, loss, 3.0, intercept=True)
        levels = jnp.linspace(-30.0, 30.0, 121)
        shares = jax.vmap(lambda level, found=found: margin_distribution(found, moments, level))(levels)
        assert np.all(np.diff(shares, axis=0) >= 0) and np.allclose(np.asarray(shares)[[0, -1]], [[0.0] * 4, [1.0] * 4])
        np.testing.assert_allclose(margin_distribution(found, moments, 0.0), found.train_error)
    hard = solve(mixture().groups(40).moments, "hard_margin")
    assert np.all(hard.train_error == 0.0)
    # trained weights are combinations of support vectors: their count is that of the constraints met, below n and dim
    assert 0.0 < float(hard.support @ mixture().groups(40).counts) < 40


def test_two_hundred_random_settings_are_solved_or_said_to_have_no_solution():
    rng, without = np.random.default_rng(0), 0
    for number in range(200):
        loss = (*SMOOTH, "hard_margin")[number % 5]
        dim = int(rng.integers(2, 190))
        variances = np.arange(1, dim + 1) ** -rng.uniform(0, 2.0) * 10 ** rng.uniform(-3, 3)
        if number % 2:
            variances = variances * 10 ** rng.uniform(-0.5, 0.5, size=(4, dim))
        labels = np.array([1.0, -1.0, 1.0, -1.0])
        length = np.sqrt(variances.mean() / dim) * 10 ** rng.uniform(-1.5, 0.8)
        means = rng.normal(size=(4, dim)) * length * labels[:, None] * rng.choice([1, 1, 1, -1], size=(4, 1))
        counts = 10 ** rng.uniform(1, 4) * rng.dirichlet(np.ones(4))
        groups = ClassGroups(counts, labels, means, variances, weights=10 ** rng.uniform(-0.7, 0.7, 4))
        ridge = 10 ** rng.uniform(-6, 3) * variances.mean() if number % 3 else np.float64(0.0)  # a plain 0.0 compiles again
        features = np.inf if rng.random() < 0.5 else 10 ** rng.uniform(0.5, 4)
        found = solve(groups.moments, loss, ridge, features, intercept=bool(rng.random() < 0.6))
        without += not found.converged
        if found.converged:
            assert found.residual <= RESIDUAL
            assert np.all(np.isfinite(np.concatenate([found.error, found.train_error, found.spread])))
        else:  # no plane separates, or separation leaves no finite minimiser, or a constant is best
            assert loss in ("hard_margin", "hinge") or (loss == "logistic" and ridge == 0.0)
    assert without <= MOST_WITHOUT_SOLUTION
