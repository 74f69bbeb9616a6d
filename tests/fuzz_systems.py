"""Random (task, learner, n, options) of the methods beside regression, and of given examples, for `tests.fuzz`."""

__all__ = ["KINDS"]

import jax.numpy as jnp
import numpy as np

import rfgen as rg

DIM, ROWS = 12, 24


def _spread(rng, size, decades):
    """Positive numbers of one scale, over `decades` or all alike."""
    many = 10.0 ** rng.uniform(-decades / 2, decades / 2, size)
    return many if rng.random() < 0.5 else np.full(size, many.flat[0])


def _strengths(rng):
    return np.concatenate([[0.0, 1e-12], 10.0 ** rng.uniform(-6, 6, 2)])


def classifiers(rng):
    scale = 10.0 ** rng.uniform(-6, 6)
    variances = scale * _spread(rng, DIM, 4.0)
    means = rng.normal(size=DIM) * np.sqrt(variances) * 10.0 ** rng.uniform(-2, 1)
    task = rg.Mixture(means, variances, prior=float(rng.uniform(0.25, 0.75)), flip=float(rng.choice([0.0, 0.2])))
    strengths = _strengths(rng)[1:] * scale
    training = [
        rg.Averaging(bool(rng.integers(2))), rg.LDA(bool(rng.integers(2))), rg.Logistic(strengths), rg.Hinge(strengths),
        rg.SquaredHinge(strengths, intercept=True), rg.SmoothedHinge(strengths),
    ][rng.integers(6)]
    few = rng.choice([40.0, 48.0, 52.0, 160.0], 2, replace=False)  # a row at least of each class and flip
    return task, rg.Learner(training), np.append(few, 10 ** rng.uniform(2, 5)), {}


def clusters(rng):
    flip = float(rng.choice([0.0, 0.1, 0.4]))
    task = rg.XORClusters(int(10 ** rng.uniform(2.5, 5)), float(10 ** rng.uniform(-2, 2)), flip)
    rate, init = (float(10 ** rng.uniform(*ends)) for ends in ((-4, 0), (-6, -1)))
    net = rg.TwoLayerReLU(2 * int(10 ** rng.uniform(1, 4)), rate, 1, init)
    return task, net, 10.0 ** rng.uniform(1, 5, 8), {}


def naive_bayes(rng):
    size = int(rng.integers(1, 5))
    task = rg.CorrelatedClasses.blocks(
        size * int(rng.integers(2, 20)), size, float(rng.uniform(0.0, 0.99)), float(10 ** rng.uniform(-3, 2)),
        float(rng.uniform(0.1, 0.9)),
    )
    return task, rg.Learner(rg.NaiveBayes()), 10.0 ** rng.uniform(1.0, 6, 8), {}


def sphere(rng):
    width = float(10 ** rng.uniform(-0.3, 1))
    kernel = [rg.NTK("relu", 2), rg.GaussianKernel(width), rg.LaplaceKernel(1.0)][rng.integers(3)]
    steep = float(10 ** rng.uniform(-1, 1))
    task = rg.ZonalLabels(int(rng.choice([3, 8])), kernel, lambda x: jnp.tanh(steep * x), degrees=12)
    training = rg.Ridge(_strengths(rng)) if rng.random() < 0.7 else rg.GradientFlow([1e-3, 1.0, 1e3])
    return task, rg.Learner(training), 10.0 ** rng.uniform(0.5, 5, 3), {}


def harmonics(rng):
    kernel = [rg.NTK("relu", 2), rg.NNGP("erf", 2), rg.GaussianKernel(1.0)][rng.integers(3)]
    power = {int(level): float(10 ** rng.uniform(-8, 8)) for level in rng.choice(4, 2, replace=False)}
    noise = float(rng.choice([0.0, 1e-9, 1.0]))
    task = rg.Task.sphere(int(rng.choice([3, 8, 40])), kernel, power, noise=noise, degrees=12)
    return task, rg.Learner(rg.Ridge(10.0 ** rng.uniform(-9, 9, 4))), 10.0 ** rng.uniform(0.5, 8, 4), {}


def deep_linear(rng):
    task = rg.Task.isotropic(int(rng.integers(2, 60)), noise=float(rng.choice([0.0, 10 ** rng.uniform(-3, 3)])))
    times = np.append([0.0], 10.0 ** rng.uniform(-3, 3, 3))
    training = rg.DeepLinearFlow(times, int(rng.integers(1, 5)), float(10 ** rng.uniform(-2, 1)))
    return task, rg.Learner(training), float(rng.choice([5.0, 30.0, 61.0, 400.0])), {}


def class_descent(rng):
    means = float(10 ** rng.uniform(-2, 1))
    counts = [int(rng.integers(2, 60)), int(rng.integers(2, 400))]
    variances, levels = _spread(rng, (2, 1), 2.0), [int(rng.integers(1, 9))]
    task = rg.GaussianMixture(counts, [1.0, -1.0], variances, [[means], [-means]], levels)
    weighting = ["plain", "balanced"][rng.integers(2)]  # normalised steps chatter across the minimum: NaN, and it says so
    training = rg.ClassDescent(float(10 ** rng.uniform(-3, -0.5)), [0, 1, 10, 100], weighting)
    return task, rg.Learner(training), None, {}


def _examples(rng):
    rows = rng.normal(size=(ROWS, ROWS + 6)) * _spread(rng, ROWS + 6, 6.0)
    labels, noise = rng.normal(size=ROWS), float(rng.choice([0.0, 10 ** rng.uniform(-6, 6)]))
    return rg.Task.from_kernel(rows @ rows.T, labels, noise=noise), float(np.mean(np.sum(rows**2, axis=1)))


def left_out(rng):
    task, scale = _examples(rng)
    strengths = scale * np.concatenate([[0.0], 10.0 ** rng.uniform(-12, 8, 5)])
    learner = rg.Learner(rg.Ridge(strengths), features=np.append(rng.choice([5.0, 12.0, 40.0]), np.inf))
    return task, learner, np.array([1.0, 7.0, 12.0, ROWS - 1.0]), {}


def views_left_out(rng):
    task, scale = _examples(rng)
    views = float(rng.choice([1, 2, np.inf]))
    augmentation = [
        rg.Mask(float(rng.uniform(0.1, 1.0)), views=views),
        rg.GaussianNoise(scale * 10.0 ** rng.uniform(-8, 1), views=views),
    ][rng.integers(2)]
    learner = rg.Learner(rg.Ridge(scale * 10.0 ** rng.uniform(-10, 5, 5)), augmentation=augmentation)
    return task, learner, np.array([2.0, 12.0, ROWS - 1.0]), {}


KINDS = {
    "classifiers": (classifiers, 0.02), "XOR": (clusters, 0.02), "naive Bayes": (naive_bayes, 0.02),
    "sphere": (sphere, 0.01), "harmonics": (harmonics, 0.02), "deep linear": (deep_linear, 0.0025),
    "class descent": (class_descent, 0.005), "left out": (left_out, 0.05), "views left out": (views_left_out, 0.02),
}
