"""One pass in fresh views: moments counted view by view, limits, critical rates, rest, what is refused.

The oracle keeps raw second moments of absolute weights, by pattern, and runs in numpy; the library keeps errors.
"""

import jax
import numpy as np
import pytest

import rfgen as rg
from rfgen.problems.augmentations.base import AbstractAugmentation
from rfgen.problems.augmentations.mode_law import ModeLaw
from rfgen.theory.sgd.streaming.one_pass import iteration_of, one_pass_sgd

P, NOISE = 40, 0.3
EIGENVALUES, POWER = np.arange(1, P + 1) ** -1.3, np.arange(1, P + 1) ** -1.5
TASK = rg.Task(EIGENVALUES, POWER, NOISE)
STEPS = [0, 5, 20, 60, 150]
ODD = np.arange(P) % 2


# an augmentation as patterns (probability, label, factor of each mode), and in each pattern, independently by mode,
# branches (probability, factor, noise variance)
PLAIN = [(1.0, 1.0, np.ones(P))]
WHOLE = [(1.0, 1.0, 0.0)]
CASES = {
    "noise": (rg.GaussianNoise(0.05), PLAIN, [(1.0, 1.0, 0.05)], rg.OnePassSGD(0.2, STEPS)),
    "noise, 3 views": (rg.GaussianNoise(0.05, views=3), PLAIN, [(1.0, 1.0, 0.05)], rg.OnePassSGD(0.2, STEPS, batch=2)),
    "mask": (rg.Mask(0.7), PLAIN, [(0.7, 1.0, 0.0), (0.3, 0.0, 0.0)], rg.OnePassSGD(0.3, STEPS)),
    "mask, heavy ball": (
        rg.Mask(0.3), PLAIN, [(0.3, 1.0, 0.0), (0.7, 0.0, 0.0)], rg.OnePassSGD(0.2, STEPS, batch=4, momentum=0.7),
    ),
    "dropout, Nesterov": (
        rg.Dropout(0.4), PLAIN, [(0.6, 1 / 0.6, 0.0), (0.4, 0.0, 0.0)],
        rg.OnePassSGD(0.1, STEPS, batch=2, momentum=0.7, nesterov=True),
    ),
    "salt, average": (
        rg.SaltAndPepper(0.6, 0.1, views=2), PLAIN, [(0.6, 1.0, 0.0), (0.4, 0.0, 0.1)],
        rg.OnePassSGD(0.3, STEPS, average_from=60),
    ),
    "gain, 2 views": (
        rg.Gain([0.4, 1.6], views=2), [(0.5, 1.0, np.full(P, 0.4)), (0.5, 1.0, np.full(P, 1.6))], WHOLE,
        rg.OnePassSGD(0.15, STEPS, batch=2),
    ),
    "flip, endless views": (
        rg.Flip(0.3, views=np.inf), [(0.7, 1.0, np.ones(P)), (0.3, 1.0, 1.0 - 2.0 * ODD)], WHOLE, rg.OnePassSGD(0.2, STEPS),
    ),
    "composed, accelerated": (
        rg.Compose([rg.GaussianNoise(0.05), rg.Mask(0.7), rg.LabelSmoothing(0.2)], views=2), [(1.0, 0.8, np.ones(P))],
        [(0.7, 1.0, 0.05), (0.3, 0.0, 0.0)], rg.AcceleratedSGD(0.9, 0.1, 0.3, 0.1, STEPS),
    ),
    "now and then, schedule": (
        rg.RandomApply(rg.Jitter(0.5), 1.0), PLAIN, [(0.5, 0.5, 0.0), (0.5, 1.5, 0.0)],
        rg.OnePassSGD(lambda t: 0.4 / (1 + t / 20), STEPS, batch=2),
    ),
}


def raw(branches, gain, order):
    """E[view^order | x] as coefficients (of x^order, x^(order - 2), x^(order - 4)), by pattern and mode."""
    pairs = {1: (1, 0, 0), 2: (1, 1, 0), 3: (1, 3, 0), 4: (1, 6, 3)}[order]
    return [
        sum(p * (f * gain) ** (order - 2 * j) * v**j for p, f, v in branches) * pairs[j] if order >= 2 * j else 0 * gain
        for j in range(3)
    ]


def gradient_square(patterns, branches, m1, m2, views):
    """E of the squared gradient of one sample, its views averaged, (modes,)."""
    lam, b = EIGENVALUES, np.sqrt(POWER / EIGENVALUES)
    each = [(p, label, *(raw(branches, gain, order) for order in (1, 2, 3, 4))) for p, label, gain in patterns]
    same, cross = 0.0, 0.0
    for p, label, first, second, third, fourth in each:
        a, at3 = second[0] * lam + second[1], 3 * third[0] * lam**2 + third[1] * lam
        at4 = 3 * fourth[0] * lam**2 + fourth[1] * lam + fourth[2]
        z = label**2 * b**2 * lam - 2 * label * b * first[0] * lam * m1 + a * m2
        x = label**2 * b**2 * (3 * second[0] * lam**2 + second[1] * lam) - 2 * label * b * at3 * m1 + at4 * m2
        same = same + p * (a * (label**2 * NOISE + z.sum() - z) + x)
        for q, other, one, two, *_ in each:
            g, h, k, s, v, w = first[0], one[0], second[0], two[0], second[1], two[1]
            z = label * other * b**2 * lam - (label * h + other * g) * b * lam * m1 + g * h * lam * m2
            x = 3 * label * other * b**2 * g * h * lam**2 - b * m1 * (
                label * g * (3 * s * lam**2 + w * lam) + other * h * (3 * k * lam**2 + v * lam)
            ) + m2 * (3 * k * s * lam**2 + (k * w + s * v) * lam + v * w)
            cross = cross + p * q * (g * h * lam * (label * other * NOISE + z.sum() - z) + x)
    return same / views + (1 - 1 / views) * cross


def risk(patterns, branches, training, views):
    """Test risk at STEPS, by raw moments from weights 0."""
    lam, b = EIGENVALUES, np.sqrt(POWER / EIGENVALUES)
    moments = [(p, label, raw(branches, gain, 1)[0], raw(branches, gain, 2)) for p, label, gain in patterns]
    curvature = sum(p * (second[0] * lam + second[1]) for p, _, _, second in moments)
    aim = sum(p * label * first for p, label, first, _ in moments) * lam * b
    batch = float(training.batch)
    m, s, d = np.zeros((2, P)), np.zeros((2, 2, P)), np.zeros((2, P))
    total, total_mean, count, found = np.zeros(P), np.zeros(P), 0, []
    for t in range(max(STEPS) + 1):
        if isinstance(training, rg.AcceleratedSGD):
            al, be, ga, de = (float(getattr(training, name)) for name in ("alpha", "beta", "gamma", "delta"))
            still = np.array([[al, 1 - al], [be * al, be * (1 - al) + 1 - be]])
            look, kick = np.array([al, 1 - al]), np.array([de, ga])
        else:
            rate = float(training.rate(np.arange(t + 1))[t]) if callable(training.rate) else float(training.rate)
            beta = float(training.momentum)
            still, kick = np.array([[1 + beta, -beta], [1, 0]]), np.array([rate, 0])
            look = np.array([1 + beta, -beta]) if training.nesterov else np.array([1.0, 0.0])
        if training.average_from is not None and t >= training.average_from:
            total, d = total + 2 * d[0] + s[0, 0], d + s[0]
            total_mean, count = total_mean + m[0], count + 1
        one, two = (total_mean / count, total / count**2) if count else (m[0], s[0, 0])
        found.append(NOISE + np.sum(lam * (b**2 - 2 * b * one + two)))
        m1, m2 = look @ m, np.einsum("i,j,ijp->p", look, look, s)
        square = gradient_square(patterns, branches, m1, m2, views) / batch
        square = square + (1 - 1 / batch) * (curvature**2 * m2 - 2 * curvature * aim * m1 + aim**2)
        cross = curvature * np.einsum("i,ijp->jp", look, s) - aim * m
        back = np.einsum("i,jp->ijp", kick, still @ cross)
        s = np.einsum("ik,klp,jl->ijp", still, s, still) - back - back.transpose(1, 0, 2)
        s = s + np.einsum("i,j,p->ijp", kick, kick, square)
        d = still @ d - np.outer(kick, curvature * (look @ d) - aim * total_mean)
        m = still @ m - np.outer(kick, curvature * m1 - aim)
    return np.array(found)[STEPS]


@pytest.mark.parametrize("name", CASES)
def test_moments_counted_view_by_view(name):
    augmentation, patterns, branches, training = CASES[name]
    curve = rg.predict(TASK, rg.Learner(training, augmentation=augmentation))
    np.testing.assert_allclose(curve.test, risk(patterns, branches, training, float(augmentation.views)), rtol=1e-12)


@pytest.mark.parametrize("views", [1, 3])
def test_views_that_change_nothing_are_none(views):
    training = rg.OnePassSGD(0.3, STEPS, momentum=0.4, batch=2, average_from=20)
    plain = rg.predict(TASK, rg.Learner(training), by_mode=True)
    for same in (rg.Mask(1.0, views=views), rg.Flip(0.0, views=views)):
        curve = rg.predict(TASK, rg.Learner(training, augmentation=same), by_mode=True)
        for name in ("test", "bias", "variance", "noise", "norm", "growth", "stability_mass", "stationary_test"):
            np.testing.assert_allclose(curve[name], plain[name], rtol=1e-12)
        np.testing.assert_allclose(curve.variance_by_mode, plain.variance_by_mode, rtol=1e-11)


CRITICAL = {
    "mask": (rg.Mask(0.7), 1, 0.57138), "few kept": (rg.Mask(0.2), 2, 1.2376), "gain": (rg.Gain([0.4, 1.6]), 2, 0.3738),
    "noise": (rg.GaussianNoise(0.05), 1, 0.35224), "smoothing": (rg.LabelSmoothing(0.3), 1, 0.49895),
    "mixtures": (rg.Mixup(1.0, partner="fresh"), 1, 0.71279),
}


@pytest.mark.parametrize("name", CRITICAL)
@pytest.mark.filterwarnings("ignore:.*unstable")
def test_the_critical_rate(name):
    augmentation, batch, rate = CRITICAL[name]

    def at(factor, steps):
        return rg.predict(TASK, rg.Learner(rg.OnePassSGD(factor * rate, steps, batch=batch), augmentation=augmentation))

    below, above = at(0.98, [10_000, 20_000]), at(1.02, [1000, 1200])
    assert below.growth == 1.0 and above.growth > 1.0 and np.isinf(above.stationary_test)
    ratio = below.test[1] / below.test[0]
    assert abs(ratio - 1.0) < 1e-8
    np.testing.assert_allclose(below.test[1], below.stationary_test, rtol=1e-8)
    growth = float(above.test[1] / above.test[0])
    assert growth > 1.5
    np.testing.assert_allclose(growth, float(above.growth) ** 200, rtol=0.05)


def test_outputs_strengths_and_repeated_eigenvalues():
    levels = rg.Task(EIGENVALUES[:5], np.array([POWER[:5], POWER[4::-1]]), [0.3, 0.1], multiplicity=[1, 2, 3, 1, 2],
                     keep_outputs=True)
    augmentation = rg.Compose([rg.Flip(0.3), rg.GaussianNoise(0.05, covariance=[1.0, 0.5, 2.0, 1.0, 0.0])], views=2)
    curve = rg.predict(levels, rg.Learner(rg.OnePassSGD(0.2, [3, 30]), augmentation=augmentation), by_mode=True)
    count = [1, 2, 3, 1, 2]
    single = rg.Task(np.repeat(EIGENVALUES[:5], count), np.repeat(levels.power[1] / count, count), 0.1)
    spread = np.repeat([1.0, 0.5, 2.0, 1.0, 0.0], count)
    apart = rg.Compose([rg.Flip(0.3), rg.GaussianNoise(0.05, covariance=spread)], views=2)
    alone = rg.predict(single, rg.Learner(rg.OnePassSGD(0.2, [3, 30]), augmentation=apart))
    np.testing.assert_allclose(alone.test, curve.test[:, 1], rtol=1e-12)
    np.testing.assert_allclose(curve.bias_by_mode.sum("mode"), curve.bias, rtol=1e-12)
    many = rg.Learner(rg.OnePassSGD([0.1, 0.2], [3, 30]), augmentation=rg.Dropout([0.2, 0.4], views=[1, 4]))
    grid = rg.predict(TASK, many)
    assert grid.test.dims == ("rate", "steps", "views", "view_rate")
    one = rg.predict(TASK, rg.Learner(rg.OnePassSGD(0.1, 30), augmentation=rg.Dropout(0.4, views=4)))
    np.testing.assert_allclose(grid.test.sel(rate=0.1, steps=30, views=4, view_rate=0.4), one.test, rtol=1e-14)


class Fog(AbstractAugmentation):
    """Views of which two moments are known."""

    views = np.array(1)

    def view(self, key, x, partner):
        raise NotImplementedError

    def mode_law(self, modes):
        return ModeLaw.of(slope=0.5)


REFUSED = {
    "lonely mixtures": (TASK, {"augmentation": rg.Mixup(1.0)}, "batch must be at least 2 for Mixup along one pass"),
    "mixtures": (TASK, {"augmentation": rg.CutMix(1.0)}, "CutMix is not predicted along one pass|CutMix .*acts on inputs"),
    "images": (TASK, {"augmentation": rg.Crop(3)}, "Crop acts on inputs"),
}


@pytest.mark.parametrize("name", REFUSED)
@pytest.mark.parametrize("verb", ["predict", "simulate"])
def test_what_is_not_derived_is_refused(name, verb):
    task, options, said = REFUSED[name]
    if verb == "simulate":
        said = said.replace("derived for", "simulated for").replace("predicted", "simulated")
    with pytest.raises(ValueError, match=said):
        getattr(rg, verb)(task, rg.Learner(rg.OnePassSGD(0.1, 5), **options))


def test_views_of_inputs_are_simulated():
    task = rg.DataTask(np.random.default_rng(0).normal(size=(40, 3)), np.arange(40.0), sampling="with replacement")
    with pytest.raises(ValueError, match=r"one pass acts on eigen-coordinates, and this task has inputs.* rg.simulate"):
        rg.predict(task, rg.Learner(rg.OnePassSGD(0.1, 5), augmentation=rg.Mask(0.5)))


UNPREDICTED = {
    "few modes": (rg.Mask(0.7), {}, r"effective modes are too few for its own, 1\.43 times those"),
    "several views": (rg.GaussianNoise(0.1, views=2), {}, "single views of many small changes"),
    "patterns": (rg.Gain([0.5, 1.5]), {}, "single views of many small changes"),
    "average": (rg.GaussianNoise(0.1), {"average_from": 3}, "settings that do not change, and for the last iterate"),
}


@pytest.mark.parametrize("name", UNPREDICTED)
def test_views_on_features_that_are_not_derived(name):
    augmentation, settings, said = UNPREDICTED[name]
    with pytest.raises(ValueError, match=said):
        rg.predict(TASK, rg.Learner(rg.OnePassSGD(0.1, 5, **settings), 8, augmentation))


def test_moments_that_nobody_knows():
    iteration = iteration_of(rg.OnePassSGD(0.1, 5), {"rate": 0.1, "batch": 1.0})
    with jax.enable_x64(True), pytest.raises(ValueError, match=r"needs the third and fourth moments of views, .* Fog"):
        one_pass_sgd(TASK, np.inf, iteration, [5], augmentation=Fog())
