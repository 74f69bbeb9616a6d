"""Views of real examples drawn without replacement, whose mean is not in proportion to the clean example."""

from dataclasses import replace

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import rfgen as rg
from rfgen.equivalents.augmented.block_equilibrium import block_equilibrium
from rfgen.equivalents.augmented.block_error_kernel import block_error_kernel
from rfgen.equivalents.held_out_target import at_clean_points
from rfgen.problems.views.view_moments import ViewMoments
from rfgen.theory.ridge.block_risk import augmented_modes, augmented_risk, resampled
from rfgen.theory.ridge.real_features import MomentForm

N, P, INF = 50, 12, float("inf")
RANDOM = np.random.default_rng(0)
CLEAN = np.linalg.qr(RANDOM.normal(size=(N, P)))[0] * N**0.5 * np.arange(1, P + 1) ** -0.5  # in its eigenbasis
LABELS = CLEAN @ RANDOM.normal(size=P) + RANDOM.normal(size=N)
MIXED = np.tanh(CLEAN @ (0.5 * np.eye(P) + 0.3 * RANDOM.normal(size=(P, P))))
ROOT = RANDOM.normal(size=(P, P)) * 0.4
PARTS = ("test", "train", "bias", "variance", "noise", "norm", "df1")


def form(mean, noise, share=1.0, test_views=None, drawn=1e12):
    """Of views of mean `mean` (N, P) and covariance `noise`, their moments known, not estimated; labels times `share`."""
    task = rg.DataTask(CLEAN, LABELS, noise=0.3)
    seen, labels = share * LABELS[:, None], LABELS[:, None]
    moments = ViewMoments(
        (mean.T @ mean / N + noise / drawn)[None, None], noise[None], (seen.T @ seen / N)[None],
        (seen.T @ mean / N)[None, None], (labels.T @ mean / N)[None], np.array([share]), int(drawn), (0.0, 0.0),
        CLEAN.T @ mean / N, seen.T @ CLEAN / N, np.array([np.mean(labels * seen)]),
    )
    return MomentForm(task, moments, test_views)


def risks(problem, n=30.0, features=INF, ridge=0.1, shared="all"):
    return augmented_risk(problem.of_output(0), n, features, ridge, 0.3, shared)


def alike(one, other, rel):
    for name in PARTS:
        assert float(getattr(one, name)) == pytest.approx(float(getattr(other, name)), rel=rel), name


@pytest.fixture(autouse=True)
def double():
    with jax.enable_x64(True):
        yield


@pytest.mark.parametrize(
    "test_views, shared", [(None, "all"), (2, "all"), (None, "features"), (None, "population")],
    ids=["clean", "views", "two draws", "bags"],
)
def test_means_in_proportion_are_those_of_eigen_coordinates(test_views, shared):
    keep, share, variance = 0.6, 0.8, 0.2
    change = rg.Compose([rg.Mask(keep), rg.GaussianNoise(variance), rg.LabelSmoothing(1.0 - share)], views=3)
    eigen = rg.Task.from_features(CLEAN, LABELS, noise=0.3)
    noise = np.diag(keep * (1.0 - keep) * np.sum(CLEAN**2, axis=0) / N) + variance * np.eye(P)
    ours = form(keep * CLEAN, noise, share, test_views).held_out(3.0)
    theirs = augmented_modes(eigen, change, test_views=test_views)[0]
    if shared == "population":
        ours, theirs = (resampled(each, rg.Bootstrap()) for each in (ours, theirs))
    for features in (INF, 9.0):
        alike(risks(ours, 30.0, features, 0.1, shared), augmented_risk(theirs, 30.0, features, 0.1, 0.3, shared), 1e-11)


def test_endlessly_many_examples_are_independent_rows():
    """In bags, of which all rows once are one."""
    given = form(MIXED, ROOT @ ROOT.T, 0.9)
    held, free = (resampled(each, rg.Bootstrap()) for each in (given.held_out(3.0), given.dense(3.0)))
    held = replace(held, blocks=replace(held.blocks, examples=jnp.asarray(1e12)))
    for features in (INF, 9.0):
        alike(risks(held, 30.0, features), risks(free, 30.0, features), 1e-9)


def test_all_rows_in_endlessly_many_views():
    """Fits at two ridges, known in closed form, and each row left out of them, at the mean leverages."""
    noise, share, n, ridges = ROOT @ ROOT.T, 0.9, N - 1e-7, jnp.array([0.1, 20.0])
    problem = form(MIXED, noise, share).held_out(INF).of_output(0)
    operators, target, blocks = problem.operators, problem.target, problem.blocks.of_samples(n)
    missed, carried = [], []
    for ridge in np.asarray(ridges):
        inverse = np.linalg.inv(MIXED.T @ MIXED + N * noise + ridge * np.eye(P))
        leverage, reach = (np.einsum("ip,pq,iq->i", MIXED, inverse, rows).mean() for rows in (MIXED, CLEAN))
        fits = [rows @ inverse @ MIXED.T for rows in (MIXED, CLEAN)]
        carried.append(share * ((np.eye(N) - fits[0]) * reach / (1.0 - leverage) - fits[1]))
        missed.append(LABELS + carried[-1] @ LABELS)

    @jax.jit
    def found(ridges):
        at = jax.lax.map(lambda ridge: block_equilibrium(operators, blocks, jnp.asarray(INF), ridge / n), ridges)
        weights = jax.vmap(lambda one: target.mean(operators, blocks, one))(at)

        def between(one, two, *means):
            fit, resolvents = target.mean_fit(operators, blocks, one, two), (one.resolvent, two.resolvent)
            traces, unit = (operators.pair(*resolvents), operators.plain(*resolvents)), jnp.full((3, 1, 1), share**2)
            kernel = block_error_kernel(*traces, blocks, one, two, jnp.asarray(INF), fit.residuals, unit, fit.norm)
            return at_clean_points(operators, blocks, target, one, two, means, fit.residuals, kernel.spread, "all")

        rows = jax.vmap(between, in_axes=(None, 0, None, 0))
        return jax.vmap(rows, in_axes=(0, None, 0, None))(at, at, weights, weights)

    bias, spread = found(ridges)
    np.testing.assert_allclose(bias + spread[..., 0], np.stack(missed) @ np.stack(missed).T / N, rtol=1e-7)
    np.testing.assert_allclose(spread[..., 1], np.einsum("aij,bij->ab", carried, carried) / N, rtol=1e-7)


def test_an_endless_ridge_leaves_the_null_risk():
    found = risks(form(MIXED, ROOT @ ROOT.T).held_out(2.0), 30.0, INF, 1e12)
    assert float(found.test) == pytest.approx(np.mean(LABELS**2) + 0.3, rel=1e-9)


def test_limits_of_ridge_features_and_views():
    given = form(MIXED, ROOT @ ROOT.T, 0.9)
    one = given.held_out(1.0)
    alike(risks(one, ridge=0.0), risks(one, ridge=1e-9), 1e-8)
    alike(risks(one, features=1e10), risks(one), 1e-8)
    alike(risks(given.held_out(1e8)), risks(given.held_out(INF)), 1e-7)
    interpolating = risks(one, 6.0, ridge=0.0)
    assert float(interpolating.train) == 0.0 and float(interpolating.df1) == pytest.approx(6.0, rel=1e-9)
    assert float(interpolating.test) == pytest.approx(float(risks(one, 6.0, ridge=1e-9).test), rel=1e-7)


def tanh(examples, dimension, features):
    random = np.random.default_rng(2)
    rows = random.normal(size=(examples, dimension))
    labels = rows @ random.normal(size=dimension) / dimension**0.5 + 0.5 * rows[:, 0] * rows[:, 1]
    return rg.DataTask(rows, labels, rg.RandomFeatureMap(features, "tanh", seed=0), noise=0.1)


@pytest.mark.parametrize(
    "learner, members",
    [
        (rg.Learner(rg.GradientFlow([3.0, 100.0]), augmentation=rg.Mask(0.7, views=4)), None),
        (
            rg.Learner(
                rg.Ridge(0.3), features=60, test_views=2, resampling=rg.Bootstrap(),
                augmentation=rg.Compose([rg.Mask(0.7), rg.LabelSmoothing(0.4, center=0.3)], views=2),
            ),
            [1, 4],
        ),
    ],
    ids=["flow", "bags of smoothed labels, features, views of tests"],
)
def test_simulations_agree(learner, members):
    random = np.random.default_rng(2)
    rows = random.normal(size=(300, 30))
    labels = rows @ random.normal(size=30) / 30**0.5 + 0.5 * rows[:, 0] * rows[:, 1]
    task = rg.DataTask(rows, labels, rg.RandomFeatureMap(80, "tanh", seed=0), noise=0.1)
    report = rg.check(task, learner, n=[60, 150], trials=40, members=members)
    assert report.agrees and report.dataset.attrs["test_rows"] == "rest", report


def test_real_images_agree():
    images, labels = rg.datasets.digits()
    chosen = np.random.default_rng(0).permutation(len(images))[:600]
    task = rg.DataTask(images[chosen], labels[chosen], rg.RandomFeatureMap(200, "tanh", seed=0), noise=0.1)
    learner = rg.Learner(rg.Ridge([0.1, 3.0]), augmentation=rg.Shift(1, views=2))
    report = rg.check(task, learner, n=[120, 300], trials=20, form="moment")
    assert report.agrees and report.dataset.attrs["test_rows"] == "rest", report


def test_smoothed_labels_of_eigen_coordinates_agree():
    """They were taken for labels: risks 40 to 60 % off."""
    random = np.random.default_rng(1)
    rows = random.normal(size=(160, 60)) * np.arange(1, 61) ** -0.5
    task = rg.Task.from_features(rows, rows @ np.arange(1, 61) ** -0.5 + random.normal(size=160), noise=1.0)
    change = rg.Compose([rg.LabelSmoothing(0.5), rg.Mask(0.7)], views=2)
    report = rg.check(task, rg.Learner(rg.GradientFlow([0.3, 3.0]), augmentation=change), n=[40, 100], trials=60)
    assert report.agrees, report


@pytest.mark.parametrize(
    "learner, form, sentence",
    [
        (
            rg.Learner(rg.GradientFlow(1.0, initial_variance=1.0), augmentation=rg.Mask(0.5)), None,
            "initial_variance with an augmentation is not predicted for rows drawn without replacement",
        ),
        (rg.Learner(rg.Ridge(1.0), augmentation=rg.Flip(views=2)), "pattern", "form must be 'moment'.*got 'pattern'"),
    ],
    ids=["initial weights", "pattern"],
)
def test_refused_with_the_remedy(learner, form, sentence):
    with pytest.raises(ValueError, match=sentence):
        rg.predict(rg.DataTask(CLEAN, LABELS), learner, 20, form=form)


def test_views_that_move_as_a_whole_are_moments():
    task = rg.DataTask(CLEAN[:, :9], LABELS)
    with pytest.warns(UserWarning, match="moves a view as a whole, of rows drawn without replacement: the moment form"):
        curve = rg.predict(task, rg.Learner(rg.Ridge(1.0), augmentation=rg.Flip(views=2)), 20)
    assert curve.attrs["form"] == "moment"
