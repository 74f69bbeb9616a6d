"""Every augmentation: samples against closed moments, dtypes and shapes, refused inputs, and mixup as a reweighting."""

import itertools
import math

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy import ndimage, stats

from rfgen.problems.augmentations import *  # noqa: F403

# ruff: noqa: F405
DRAWS = 20_000
IMAGE, OTHER, COLOUR, MODES = map(np.random.default_rng(5).normal, (0,) * 4, (1,) * 4, ((6, 7), (6, 7), (3, 2, 3), 70))
# difference of rows and of columns of every pair of pixels
ROWS, COLUMNS = (np.abs(np.subtract.outer(axis.ravel(), axis.ravel())) for axis in np.indices(IMAGE.shape))


def draw(change, x, partner=None):
    """Views of one input, rows of a matrix, and their labels' (own, partner, offset)."""
    with jax.enable_x64(True):
        x, partner = jnp.asarray(x), jnp.asarray(x if partner is None else partner)
        views = jax.jit(jax.vmap(lambda key: change(key, x, partner)))(jax.random.split(jax.random.key(7), DRAWS))
        labels = [np.broadcast_to(np.asarray(label), (DRAWS,)) for label in views[1:]]
    return np.asarray(views.input).reshape(DRAWS, -1), labels


def assert_moments(sample, mean, second):
    """First and second moments within 5 standard errors, entry by entry."""
    square = sample**2
    for found, expected, power in (
        (sample.mean(axis=0), mean, square.mean(axis=0)),
        (sample.T @ sample / DRAWS, second, square.T @ square / DRAWS),
    ):
        error = np.sqrt(np.maximum(power - found**2, 0) / DRAWS)
        assert np.all(np.abs(found - expected) <= 5 * error + 1e-12)


def finite(outcomes):
    """Moments of a law of finitely many views, pairs of probability and view."""
    outcomes = [(chance, np.asarray(view).ravel()) for chance, view in outcomes]
    assert sum(chance for chance, _ in outcomes) == pytest.approx(1, abs=1e-12)
    return sum(c * v for c, v in outcomes), sum(c * np.outer(v, v) for c, v in outcomes)


def both_covered(apart, length, side):
    """Share of positions on a ring of `length` where a window of `side` covers two places `apart`."""
    return (np.maximum(side - apart, 0) + np.maximum(side - (length - apart), 0)) / length


def masked(x, q, pair, partner=0.0):
    """Moments where a pixel comes from `partner` with probability q, and both pixels of a pair do with `pair`."""
    x, z = x.ravel(), np.broadcast_to(partner, x.shape).ravel()
    cross = np.outer(x, z) * (q - pair)
    return (1 - q) * x + q * z, np.outer(x, x) * (1 - 2 * q + pair) + cross + cross.T + np.outer(z, z) * pair


def shifted(x, pixels, wrap):
    """All shifted images: cut from a padded one."""
    padded = np.pad(x, pixels, mode="wrap" if wrap else "constant")
    starts = list(itertools.product(range(2 * pixels + 1), repeat=2))
    return [(1 / len(starts), padded[r : r + x.shape[0], c : c + x.shape[1]]) for r, c in starts]


def rotated(x, degrees, angles=2000):
    centre, outcomes = (np.array(x.shape) - 1) / 2, []
    for angle in np.deg2rad(degrees) * ((2 * np.arange(angles) + 1) / angles - 1):
        turn = np.array([[math.cos(angle), -math.sin(angle)], [math.sin(angle), math.cos(angle)]])
        view = ndimage.affine_transform(x, turn, centre - turn @ centre, order=1, mode="grid-constant")
        outcomes.append((1 / angles, view))
    return outcomes


def jittered(x, *strengths):
    """Second moments are quadratic in every factor: three Gauss-Legendre nodes are exact."""
    nodes, weights = np.polynomial.legendre.leggauss(3)
    gray = lambda image: (image @ [0.299, 0.587, 0.114])[..., None]  # noqa: E731
    outcomes = []
    for chosen in itertools.product(range(3), repeat=3):
        b, c, s = (1 + strength * nodes[i] for strength, i in zip(strengths, chosen, strict=True))
        view = c * b * x + (1 - c) * gray(b * x).mean()
        outcomes.append((math.prod(weights[i] / 2 for i in chosen), s * view + (1 - s) * gray(view)))
    return outcomes


def cut_and_pasted(a):
    kept = stats.beta(a, a).ppf((np.arange(4000) + 0.5) / 4000)
    high, wide = (np.round(np.sqrt(1 - kept) * length) for length in IMAGE.shape)
    pair = sum(both_covered(ROWS, 6, h) * both_covered(COLUMNS, 7, w) for h, w in zip(high, wide, strict=True))
    return masked(IMAGE, (high * wide).mean() / 42, pair / 4000, OTHER)


def mixed(a):
    mean, apart = (IMAGE + OTHER).ravel() / 2, (IMAGE - OTHER).ravel()
    return mean, np.outer(mean, mean) + np.outer(apart, apart) / (4 * (2 * a + 1))


def windows(size):
    spots = list(itertools.product(range(7 - size), range(8 - size)))
    cut = lambda r, c: IMAGE[r : r + size, c : c + size]  # noqa: E731
    grow = {"zoom": (6 / size, 7 / size), "order": 1, "grid_mode": True, "mode": "nearest"}
    return [(1 / len(spots), ndimage.zoom(cut(*spot), **grow)) for spot in spots]


GRAY = np.repeat(COLOUR @ np.array([0.299, 0.587, 0.114])[:, None], 3, axis=2)
IMAGES = {
    Flip(0.3): lambda: finite([(0.7, IMAGE), (0.3, np.fliplr(IMAGE))]),
    Gain([0.4, 1.6], probabilities=[0.2, 0.8]): lambda: finite([(0.2, 0.4 * IMAGE), (0.8, 1.6 * IMAGE)]),
    Jitter(0.4, 2): lambda: finite(
        [(0.25, np.outer([a] * 3 + [b] * 3, np.ones(7)) * IMAGE) for a in (0.6, 1.4) for b in (0.6, 1.4)]
    ),
    Shift(1): lambda: finite(shifted(IMAGE, 1, False)),
    Shift(2, wrap=True): lambda: finite(shifted(IMAGE, 2, True)),
    Rotate(25): lambda: finite(rotated(IMAGE, 25)),
    Crop(4): lambda: finite(windows(4)),
    Cutout(3): lambda: masked(IMAGE, 9 / 42, np.maximum(3 - np.minimum(ROWS, 6 - ROWS), 0)
                              * np.maximum(3 - np.minimum(COLUMNS, 7 - COLUMNS), 0) / 42),
    GridMask(3, 2): lambda: masked(IMAGE, 4 / 9, both_covered(ROWS % 3, 3, 2) * both_covered(COLUMNS % 3, 3, 2)),
    Mixup(0.4): lambda: mixed(0.4),
    CutMix(0.7): lambda: cut_and_pasted(0.7),
    Compose([Flip(0.5), Gain([1.0, 2.0])]): lambda: finite(
        [(0.25, g * image) for g in (1, 2) for image in (IMAGE, np.fliplr(IMAGE))]
    ),
    RandomApply(Shift(1), 0.3): lambda: finite([(0.7, IMAGE), *((0.3 * p, v) for p, v in shifted(IMAGE, 1, False))]),
}
COLOURS = {
    Grayscale(0.3): lambda: finite([(0.7, COLOUR), (0.3, GRAY)]),
    ColorJitter(0.4, 0.7, 0.2): lambda: finite(jittered(COLOUR, 0.4, 0.7, 0.2)),
}
LAWS = [
    GaussianNoise(0.3), GaussianNoise(0.3, covariance=np.linspace(0, 2, 70)), Mask(0.7), Dropout(0.2),
    SaltAndPepper(0.7, 0.5), Flip(0.3), Flip(1), Gain([0.5, 2.0]), Jitter(0.5), Jitter(0.5, 3), Cutout(9),
    LabelSmoothing(0.1),
    RandomApply(Cutout(9), 0.4), Compose([Mask(0.7), Gain([0.5, 2.0]), Flip()]),
    Compose([GaussianNoise(0.2), Mask(0.5), SaltAndPepper(0.9, 0.1)]),
    RandomApply(Compose([Flip(1), GaussianNoise(0.3)]), 0.6),
]


class TestMoments:
    @pytest.mark.parametrize("augmentation", [*IMAGES, *COLOURS], ids=repr)
    def test_images(self, augmentation):
        x, expected = (IMAGE, IMAGES[augmentation]) if augmentation in IMAGES else (COLOUR, COLOURS[augmentation])
        assert_moments(draw(augmentation.view, x, OTHER if augmentation.mixes else None)[0], *expected())

    @pytest.mark.parametrize("augmentation", LAWS, ids=repr)
    def test_laws_of_modes(self, augmentation):
        law = augmentation.mode_law(70)
        assert law.probability.sum() == pytest.approx(1, abs=1e-12) and law.label.shape == law.probability.shape
        of_mode = np.arange(70) % law.classes
        if law.breaks is not None:
            of_mode = np.searchsorted(law.breaks, np.arange(70), "right") - 1
        gain, slope, level = (values[:, of_mode] for values in (law.gain, law.slope, law.level))
        shape = 1.0 if law.shape is None else law.shape
        second = (gain * MODES).T @ np.diag(law.probability) @ (gain * MODES)
        noise = law.probability @ (slope * MODES**2 + level * shape)
        sample, labels = draw(augmentation.mode_view, MODES)
        assert_moments(sample, law.probability @ gain * MODES, second + np.diag(noise))
        assert np.allclose(labels[0].mean(), law.probability @ law.label, atol=1e-12)

    @pytest.mark.parametrize("augmentation", [
        Flip(0.3), Flip(1), Gain([0.5, 2.0]), Jitter(0.5, 2), GridMask(3, 1), Crop(4), RandomApply(GridMask(2, 1), 0.4),
        Compose([Flip(), Crop(5)]), Grayscale(0.3), RandomApply(Gain([0.5, 2.0]), 1),
    ], ids=repr)
    def test_patterns_average_to_the_law(self, augmentation):
        x = COLOUR if isinstance(augmentation, Grayscale) else IMAGE
        patterns = augmentation.patterns(x.shape)
        assert all(pattern.moments_suffice and pattern.views == 1 for _, pattern in patterns)
        with jax.enable_x64(True):
            x = jnp.asarray(x)
            expected = finite([(chance, pattern.view(jax.random.key(1), x, x).input) for chance, pattern in patterns])
        assert_moments(draw(augmentation.view, x)[0], *expected)

    def test_what_is_listed(self):
        noise = GaussianNoise(0.1)
        assert noise.patterns((64,)) == ((1.0, noise),) and Cutout(2).patterns((8, 8)) is None is Crop(3).patterns((64,))
        assert GridMask(5, 1).patterns((8, 8)) is None is Compose([Flip(), GridMask(4, 1)]).patterns((8, 8))
        assert [Shift(1).moments_suffice, Shift(2).moments_suffice, Flip([0, 0.5]).moments_suffice] == [True, False, False]
        assert Compose([noise, Mixup(1.0)]).mixes and not RandomApply(noise).mixes

    @pytest.mark.parametrize("augmentation", [
        Rotate(0), Crop(5), Shift(0), Flip(0), Mask(1), Compose([Flip(1), Flip(1)]), ColorJitter(0, 0, 0), Jitter(0),
        RandomApply(Gain([3.0]), 0),
    ], ids=repr)
    def test_identities(self, augmentation):
        assert np.allclose(draw(augmentation.view, IMAGE[:5, :5])[0], IMAGE[:5, :5].ravel(), rtol=0, atol=1e-14)

    def test_labels(self):
        smooth = LabelSmoothing(0.2, center=0.5)
        assert [label[0] for label in draw(smooth.view, IMAGE)[1]] == pytest.approx([0.8, 0, 0.1])
        weight, partner, offset = draw(Compose([smooth, Mixup(1.0), smooth]).view, IMAGE, OTHER)[1]
        # 0.8 (w (0.8 y + 0.1) + (1 - w) y_partner) + 0.1
        assert np.allclose(partner, 0.8 - weight / 0.8) and np.allclose(offset, 0.1 + weight / 8) and weight.std() > 0.1
        views, (own, partner, _) = draw(CutMix(1.0).view, IMAGE, OTHER)
        assert np.allclose(own, (views == IMAGE.ravel()).mean(axis=1)) and np.allclose(own + partner, 1)
        own = draw(RandomApply(LabelSmoothing(1), 0.3).view, IMAGE)[1][0]
        assert set(own) == {0.0, 1.0} and own.mean() == pytest.approx(0.7, abs=0.02)


@pytest.mark.parametrize("x64, dtype", [(False, "float32"), (True, "float64"), (True, "float32")])
def test_shapes_and_dtypes(x64, dtype):
    everywhere = [*IMAGES, ColorJitter(0.4, 0.4, 0), LabelSmoothing(0.1), Shift(9, wrap=True), GaussianNoise(0.1)]
    if not (x64 and dtype == "float32"):  # noise.py compares with float64 numbers
        everywhere += [SaltAndPepper(0.5, 0.1), Dropout(0.5)]
    cases = [(a, (5, 6, 3)) for a in COLOURS]
    cases += [(a, shape) for a in everywhere for shape in ((25,), (5, 5), (5, 6), (6, 5, 1), (5, 6, 3))]
    with jax.enable_x64(x64):
        for augmentation, shape in cases:
            x = jnp.ones((2, *shape), dtype)
            # what jit and vmap make of it, without compiling
            view = jax.eval_shape(jax.jit(jax.vmap(augmentation.view)), jax.random.split(jax.random.key(0), 2), x, x)
            assert view.input.shape == x.shape and view.input.dtype == x.dtype, augmentation
            assert all(label.shape == (2,) and (label.weak_type or label.dtype == dtype) for label in view[1:])


class TestMixupAsWeights:
    @pytest.mark.parametrize("a", [0.2, 1.0, 5.0])
    def test_spectrum(self, a, size=150):
        means = [Mixup(a, views=3).sample_weights(seed, size) for seed in range(8)]
        assert min(values.min() for values in means) >= -1e-12 and means[0].shape == (size,)
        # a row is its own partner with probability 1 / size
        expected = (a + 1) / (2 * a + 1) + a / (2 * a + 1) / size
        error = np.std([values.mean() for values in means], ddof=1) / math.sqrt(8)
        assert abs(np.mean([values.mean() for values in means]) - expected) < 4 * error
        assert np.ptp(Mixup(a, views=np.inf).sample_weights(0, 5)) == 0
        near = Mixup(a * (1 + 1e-6), views=3).sample_weights(0, size)  # the same draws: they jumped, and optima with them
        assert np.abs(near - means[0]).max() < 1e-5

    def test_risk_of_mixed_rows_is_that_of_weighted_rows(self, n=60, p=30, draws=200, ridge=0.02):
        rng = np.random.default_rng(2)
        scale, truth = 1 / np.sqrt(1 + np.arange(p)), rng.normal(size=p)
        augmentation = Mixup(0.5, views=2)
        mix = jax.jit(jax.vmap(augmentation.view))

        def risk(x, y):
            estimate = np.linalg.solve(x.T @ x + ridge * np.eye(p), x.T @ y)
            return np.sum((scale * (estimate - truth)) ** 2)

        risks = np.empty((draws, 3))
        for trial in range(draws):
            x = rng.normal(size=(n, p)) * scale
            y = x @ truth + rng.normal(size=n)
            weight = np.sqrt(augmentation.sample_weights(trial, n) / n)
            own, partner = np.tile(np.arange(n), 2), rng.integers(n, size=2 * n)
            keys, rows = jax.random.split(jax.random.key(trial), 2 * n), jnp.asarray(x, jnp.float32)
            view = mix(keys, rows[own], rows[partner])
            label = np.asarray(view.own) * y[own] + np.asarray(view.partner) * y[partner]
            mixtures = np.asarray(view.input, float) / math.sqrt(2 * n), label / math.sqrt(2 * n)
            plain = x / math.sqrt(n), y / math.sqrt(n)
            risks[trial] = risk(*mixtures), risk(weight[:, None] * x, weight * y), risk(*plain)
        for column, close in ((1, True), (2, False)):  # and not that of the rows as they are
            gap = risks[:, 0] - risks[:, column]
            assert bool(abs(gap.mean()) < 4 * gap.std(ddof=1) / math.sqrt(draws)) is close


KEY, SEVEN, PICTURE = jax.random.key(0), jnp.ones(7), jnp.ones((4, 4))
BAD = {
    "views zero": (lambda: Mask(0.5, views=0), r"views must be a whole number >= 1, math\.inf or an array of them, got 0"),
    "views fractional": (lambda: Flip(views=1.5), r"views must be a whole number.*got 1\.5"),
    "views word": (lambda: Cutout(2, views="a"), r"views must be a whole number.*got 'a'"),
    "keep": (lambda: Mask(1.2), r"keep must be in \[0, 1\], got 1\.2"),
    "no image": (lambda: Shift(1).view(KEY, SEVEN, SEVEN), r"Shift needs images: inputs of shape.*d a square, got \(7,\)"),
    "no colour": (lambda: Grayscale().view(KEY, PICTURE, PICTURE), r"Grayscale needs colour images.*3\), got \(4, 4\)"),
    "saturation": (lambda: ColorJitter(0, 0, 0.1).view(KEY, PICTURE, PICTURE), r"saturation must be 0 for gray images"),
    "gain sum": (lambda: Gain([1, 2], probabilities=[0.5, 0.6]), r"probabilities must sum to 1, got 1\.1"),
    "pixels": (lambda: Shift(0.5), r"pixels must be whole numbers >= 0, got 0\.5"),
    "crop": (lambda: Crop(9).patterns((8, 8)), r"size must be at most the height and width of the images, 8 x 8, got 9"),
    "grid": (lambda: GridMask(3, 3), r"removed must be below period, 3, got 3"),
    "mixup in a composition": (lambda: Compose([Mixup(1)]).mode_law(9), r"Mixup cannot be part of a composition"),
    "images alone": (lambda: Shift(1).mode_law(9), r"Shift acts on inputs, not on eigen-coordinates"),
    "infinitely many modes": (lambda: Cutout(3).mode_law(math.inf), r"Cutout needs finitely many modes: give modes="),
    "most blocks": (lambda: Jitter(0.3, 7).mode_law(99), r"blocks must be at most 6, or math\.inf .*got 7"),
    "more blocks than modes": (lambda: Jitter(0.3, 5).mode_law(4), r"blocks must be at most the 4 modes"),
    "blocks of endless modes": (lambda: Jitter(0.3, 2).mode_law(math.inf), r"Jitter in blocks needs finitely many modes"),
    "blocks": (lambda: Jitter(0.3, 1.5), r"blocks must be an integer >= 1, got 1\.5"),
    "center": (lambda: LabelSmoothing(0.1, center=0.5).mode_law(9), r"center must be 0 with a Task.*got 0\.5"),
    "views of parts": (lambda: Compose([Flip(views=2)]), r"views belong to the Compose.*Flip\(.*views=2\)"),
    "strengths of parts": (lambda: RandomApply(Mask([0.1, 0.2])), r"keep must be one number in a part of Rand"),
    "function as part": (lambda: Compose([abs]), r"Compose takes augmentations such as.*got <built-in"),
    "cut": (lambda: Augmentation(lambda key, x: x[:2]).view(KEY, SEVEN, SEVEN), r"must keep the shape.*got \(2,\)"),
    "int": (lambda: Augmentation(lambda key, x: x.astype(int)).view(KEY, SEVEN, SEVEN), r"must keep the dtype"),
}


@pytest.mark.parametrize("name", BAD)
def test_message(name):
    call, message = BAD[name]
    with pytest.raises(ValueError, match=message):
        call()
