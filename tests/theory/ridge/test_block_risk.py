"""Exact risk on augmented data: against plain regression and loops over patterns; limits, derivatives, representations."""

import math
from dataclasses import replace
from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import rfgen as rg
from rfgen.equivalents.operators import DenseOperators
from rfgen.equivalents.targets import VectorTarget
from rfgen.problems.views.view_moments import view_moments
from rfgen.theory.ridge.block_risk import AugmentedProblem, augmented_modes, augmented_risk
from rfgen.theory.ridge.real_features import MomentForm
from rfgen.theory.ridge.risk import risk
from tests.oracles import make_cases
from tests.oracles.dense import slope
from tests.oracles.patterns import linear_patterns, pattern_risk
from tests.rounding import OLD
from tests.theory.ridge.test_risk import task_of

INF = math.inf
EIGENVALUES, POWER = (np.arange(1.0, 41.0) ** -exponent for exponent in (1.3, 1.1))
NOISE = 0.4
TASK = rg.Task(EIGENVALUES, POWER, NOISE)
# n, features, ridge
POINTS = [(25.0, INF, 0.05), (25.0, 15.0, 0.05), (25.0, 60.0, 1e-3), (90.0, 50.0, 0.5), (90.0, INF, 1e-6)]
FIELDS = ("test", "train", "bias", "variance", "noise", "norm", "amplification", "df1")
plain, ours = jax.jit(risk), jax.jit(augmented_risk)
CASES = make_cases.load()


@pytest.fixture(autouse=True)
def _double():
    with jax.enable_x64(True):
        yield


def scalars(point, fields=FIELDS):
    return {name: float(getattr(point, name)) for name in fields}


def at(augmentation, point, form=None, test_views=None, task=TASK):
    return scalars(ours(augmented_modes(task, augmentation, form, test_views)[0], *point, float(task.noise.sum())))


def plainly(n, features, ridge, task=TASK):
    return scalars(plain(task.modes, n, features, ridge, float(task.noise.sum())))


def relative(value, exact, floor=0.0):
    if value == exact or max(abs(value), abs(exact)) < 1e-25:
        return 0.0
    error = abs(value - exact) / max(abs(exact), floor)
    return INF if np.isnan(error) else error


def apart(left, right, fields=FIELDS):
    """Largest relative error; a part of the risk counts on the scale of the whole."""
    parts = ("bias", "variance")
    return max(relative(left[name], right[name], right["test"] if name in parts else 0.0) for name in fields)


# What plain regression does and the engine does not.
OUTSIDE = {
    "squares of eigenvalues overflow: NaN": "tiny-eigenvalues large-eigenvalues large-eigenvalues-features",
    "a ridge beyond 1e100 of the trace counts as that": "tiny-eigenvalues-ridge-one",
    "a ridge below 1e-100 of the trace counts as 0":
        "peak-ridge-1e-300 all-equal-tiny-ridge all-equal-silent-tiny-ridge features-equal-modes-tiny-ridge "
        "decades-kernel-ridge-0 decades-kernel-ridge-1e-300 decades-wide-ridge-0 decades-wide-ridge-1e-300 decades-narrow "
        "decades-peak decades-samples-beyond-modes decades-samples-beyond-modes-ridgeless",
    "digits lost next to an interpolation peak":
        "peak-ridge-1e-30 peak-ridge-1e-08 peak-silent peak-non-integer isotropic-peak-ridge samples-equal-modes "
        "samples-equal-modes-tiny-ridge-silent samples-equal-modes-wide-tiny-ridge" + " features-equal-modes" * OLD,
    "ridge 0 at a peak: a part that stays finite is inf, or df1 is 0":
        "peak-zero-target samples-equal-modes-ridgeless samples-equal-modes-ridgeless-silent "
        "samples-equal-modes-wide-ridgeless features-equal-modes-ridgeless all-equal-ridgeless all-equal-silent-ridgeless "
        "isotropic-peak zero-eigenvalues-without-power-silent one-mode-one-sample-ridgeless",
}


def marked(case):
    reasons = [why for why, slugs in OUTSIDE.items() if case["slug"] in slugs.split()]
    marks = [pytest.mark.xfail(reason=why, strict="digits" not in why and not OLD) for why in reasons]
    return pytest.param(case, id=case["slug"], marks=marks)


@pytest.mark.parametrize("case", [marked(case) for case in CASES])
def test_no_augmentation_is_plain_regression(case):
    task = task_of(case)
    settings = case["n"], case["k"], case["ridge"], case["noise"]
    exact = scalars(plain(task.modes, *settings))
    for augmentation in (rg.Mask(1.0), rg.GaussianNoise(0.0)):
        found = ours(augmented_modes(task, augmentation)[0], *settings)
        errors = {name: relative(value, exact[name]) for name, value in scalars(found).items()}
        assert max(errors.values()) < 1e-12 and bool(found.converged), errors


SMALL = rg.Task(EIGENVALUES[:10], POWER[:10], 0.3)


FLIPPED = rg.Compose([rg.Flip(0.3), rg.GaussianNoise(0.1)], views=3)
LAWS = [(FLIPPED, 8.0, 7.0), (rg.Gain([0.4, 1.6], views=2), 8.0, INF), (rg.Cutout(3, views=2), 12.0, 20.0),
        (rg.Jitter(0.6, 3, views=2), 9.0, 15.0)]


@pytest.mark.parametrize("test_views", [None, 3])
@pytest.mark.parametrize(("augmentation", "n", "features"), LAWS, ids=["flip", "gain", "cutout", "jitter"])
def test_laws_of_patterns_against_loops(augmentation, n, features, test_views):
    """Worst seen 1.4e-14."""
    law, number = augmentation.mode_law(10), np.arange(10)
    of_mode = number % law.classes if law.breaks is None else np.searchsorted(law.breaks, number, "right") - 1
    spectrum, power, teacher = EIGENVALUES[:10], POWER[:10], np.sqrt(POWER / EIGENVALUES)[:10]
    gains, noises = law.gain[:, of_mode], law.slope[:, of_mode] * spectrum + law.level[:, of_mode]
    mean, second = law.probability @ gains, law.probability @ (gains**2 * spectrum + noises)
    if test_views is None:  # clean inputs
        mean, second = 1.0, spectrum
    seen, cross = mean**2 * spectrum * (1 - 1 / (test_views or 1)) + second / (test_views or 1), mean * spectrum * teacher
    population = dict(covariance=np.diag(seen), teacher=cross / seen, noise=0.3 + power.sum() - cross @ (cross / seen))
    changes = [np.diag(gain) for gain in gains], [np.diag(noise) for noise in noises], law.label, int(augmentation.views)
    patterns = linear_patterns(law.probability, *changes, np.diag(spectrum), teacher, 0.3)
    exact = pattern_risk(patterns, n, features, 0.4, population)
    found = at(augmentation, (n, features, 0.4), "pattern", test_views, SMALL)
    assert apart(found, exact, ("test", "train", "norm")) < 1e-10


@pytest.mark.parametrize("point", POINTS, ids=str)
class TestLimits:
    def test_many_features_are_the_kernel(self, point):
        wide, kernel = (at(rg.Mask(0.7, views=4), (point[0], features, point[2])) for features in (1e9, INF))
        assert apart(wide, kernel, ("test", "train", "norm", "df1")) < 1e-6

    def test_many_views_are_infinitely_many(self, point):
        assert apart(at(rg.Mask(0.7, views=10**6), point), at(rg.Mask(0.7, views=INF), point)) < 1e-5

    def test_a_certain_pattern_is_no_augmentation(self, point):
        for nothing in (rg.Gain([1.0]), rg.Flip(0), rg.LabelSmoothing(0.0), rg.Jitter(0.0, 1), rg.Jitter(0.0)):
            assert apart(at(nothing, point), plainly(*point)) < 1e-13

    def test_jitter_of_one_block_is_a_gain_and_of_each_mode_dropout(self, point):
        for one, other in ((rg.Jitter(0.6, 1, 2), rg.Gain([0.4, 1.6], 2)), (rg.Jitter(1.0, views=2), rg.Dropout(0.5, 2))):
            assert apart(at(one, point), at(other, point)) < 1e-13

    def test_one_gain_rescales_the_kernel(self, point):
        """Training sees eigenvalues g^2 lambda; on clean inputs the predictions are 1/g of those on inputs times g."""
        g = 0.6
        scaled = rg.Task(g**2 * EIGENVALUES, POWER, NOISE)
        exact, gamma = plainly(*point, task=scaled), float(plain(scaled.modes, *point, NOISE).gamma)
        assert apart(at(rg.Gain([g]), point, test_views=1), exact) < 1e-13
        found, learned = at(rg.Gain([g]), point), g**2 * EIGENVALUES / (g**2 * EIGENVALUES + gamma)
        bias, amplification = ((1 - learned / g) ** 2 * POWER).sum(), 1 + (exact["amplification"] - 1) / g**2
        test = bias + exact["variance"] / g**2 + NOISE * amplification
        assert apart(found, {**exact, "test": test, "bias": bias}, ("test", "train", "bias", "norm", "df1")) < 1e-13

    def test_smoothed_labels_scale_the_predictions(self, point):
        keep, exact = 0.7, plainly(*point)
        gamma = float(plain(TASK.modes, *point, NOISE).gamma)
        found, learned = at(rg.LabelSmoothing(0.3), point), EIGENVALUES / (EIGENVALUES + gamma)
        scaled = {name: keep**2 * exact[name] for name in ("train", "norm")}
        bias = ((1 - keep * learned) ** 2 * POWER).sum()
        test = bias + NOISE + keep**2 * (exact["variance"] + exact["noise"] - NOISE)
        assert apart(found, {"test": test, "bias": bias, **scaled}, ("test", "bias", "train", "norm")) < 1e-13

    @pytest.mark.parametrize("views", [1, 2, INF])
    def test_one_pattern_has_one_form(self, point, views):
        augmentation = rg.Mask(0.7, views=views)
        assert apart(at(augmentation, point, "pattern"), at(augmentation, point, "moment")) < 1e-12

    def test_infinitely_many_noisy_views_are_ridge(self, point):
        n, _, ridge = point  # on the kernel, where E|noise . w|^2 = variance |w|^2: random features see noise as inputs
        found, exact = at(rg.GaussianNoise(0.02, views=INF), (n, INF, ridge)), plainly(n, INF, ridge + n * 0.02)
        assert apart(found, exact, ("test", "bias", "variance", "noise", "norm", "amplification")) < 1e-12
        assert relative(found["train"], exact["train"] + 0.02 * exact["norm"]) < 1e-12

    def test_infinite_mixup_is_ridge(self, point):
        found, exact = at(rg.Mixup(0.5, views=INF), point), plainly(*point[:2], point[2] * 2 / 1.5)
        assert apart({**found, "train": found["train"] / 0.75}, exact) < 1e-10

    def test_parts_add_up(self, point):
        problem = augmented_modes(TASK, rg.SaltAndPepper(0.7, 0.1, views=2))[0]
        found = ours(problem, *point, NOISE)
        assert float(found.test) == float(found.bias + found.variance + found.noise)
        assert float(found.variance) == float(found.data_variance + found.features_variance)
        assert float(found.noise) == NOISE * float(found.amplification)
        assert (float(found.features_variance) == 0.0) == math.isinf(point[1])
        assert 0 < float(found.norm) < INF and bool(found.converged)
        none, double = (scalars(ours(problem, *point, noise)) for noise in (0.0, 2 * NOISE))  # linear in the noise
        assert apart({name: (none[name] + double[name]) / 2 for name in none}, scalars(found)) < 1e-12


def test_moments_are_not_enough_for_a_random_gain():
    wrong, right = (at(rg.Gain([0.4, 1.6]), (60.0, INF, 0.05), form)["test"] for form in ("moment", None))
    assert abs(wrong / right - 1) > 0.05


def masked(keep, task=TASK, views=2.0):
    """Blocks of masks as functions of `keep`."""
    problem = augmented_modes(task, rg.Mask(0.5, views=2))[0]
    covariance = jnp.stack([keep**2 + keep * (1.0 - keep) / views, keep * (1.0 - keep)])[:, None, None, None]
    target = replace(problem.target, gain=jnp.stack([keep, jnp.zeros_like(keep)])[:, None, None])
    return replace(problem, blocks=replace(problem.blocks, covariance=covariance), target=target)


gradient = jax.jit(jax.grad(lambda arguments: augmented_risk(masked(arguments[4]), *arguments[:4]).test))


@pytest.mark.parametrize("point", [*POINTS[:4], (20.0, 21.0, 1e-5)], ids=str)
def test_derivatives(point):
    arguments = [*point, NOISE, 0.7]
    slopes = gradient([jnp.asarray(value) for value in arguments])
    errors = {}
    for place, name in enumerate(("n", "features", "ridge", "noise", "keep")):

        def value(change, place=place):
            moved = [x if i != place else x * (1 + change) for i, x in enumerate(arguments)]
            return at(rg.Mask(moved[4], views=2), moved[:3], task=rg.Task(EIGENVALUES, POWER, moved[3]))["test"]

        difference = 0.0 if math.isinf(arguments[place]) else slope(value, 1e-3) / arguments[place]
        errors[name] = relative(float(slopes[place]), difference)
    assert max(errors.values()) < 1e-6, errors


def test_vmap_is_the_stack_of_scalars():
    problem = augmented_modes(TASK, rg.Mask(0.7, views=4))[0]
    columns = [np.array(column) for column in zip(*POINTS, (25.0, 25.0, 0.0), (1e3, INF, 1e4), strict=True)]
    stacked = jax.jit(jax.vmap(augmented_risk, in_axes=(None, 0, 0, 0, None)))(problem, *columns, NOISE)
    for i, point in enumerate(zip(*columns, strict=True)):
        one = {name: float(getattr(stacked, name)[i]) for name in FIELDS}
        assert apart(one, scalars(ours(problem, *point, NOISE))) < 1e-13


def test_pencil_against_dense_matrices():
    """Interpolated resolvents of real features. Worst seen 1.6e-8."""
    X, y = rg.datasets.digits()
    X, y, size, errors = X[:300], y[:300], 300, {}
    task = rg.DataTask(X, y, rg.RandomFeatureMap(40, "tanh", seed=0), sampling="with replacement")
    form = MomentForm(task, moments := view_moments(task, (rg.Mask(0.7),), 8))
    clean = task.features.T @ task.features / size
    operators = DenseOperators(jnp.asarray(np.stack([moments.means[0, 0], moments.within[0], clean])))
    cross = np.stack([moments.cross[0, 0, 0], np.zeros(40)])[:, None, None]
    second, label = np.array([moments.label_means[0, 0, 0], 0.0])[:, None, None], np.array([[1.0], [0.0]])
    parts = cross, second, label, np.array([0.0, 0.0, 1.0]), y @ task.features / size, np.mean(y**2)
    target = VectorTarget(*map(jnp.asarray, parts))
    points = np.array([(30.0, INF, 0.1), (100.0, INF, 1e-3), (30.0, 20.0, 0.1), (100.0, 60.0, 0.5)])
    for views in (1.0, 4.0, INF):
        pencil = form.problem(views, *points.T)
        axes = vars(pencil.target.by_output)
        only = {name: leaf if axes[name] is None else leaf[0] for name, leaf in vars(pencil.target).items()}
        first = replace(pencil, target=type(pencil.target)(**only), null_power=pencil.null_power[0])
        dense = AugmentedProblem(operators, pencil.blocks, target, jnp.zeros(()))
        for point in points:
            errors[views, *point] = apart(scalars(ours(first, *point, 0.1)), scalars(ours(dense, *point, 0.1)))
    assert max(errors.values()) < 1e-7, errors


learner = partial(rg.Learner, rg.Ridge(0.1), None)


def form_of(augmentation, form):
    return rg.predict(TASK, learner(augmentation), 10, form=form)


ENDLESS, SMOOTH = rg.Task.power_law(1.5, 1.5, 0.5), rg.RandomApply(rg.LabelSmoothing(0.3), 0.5)
REFUSED = {
    "form": (lambda: form_of(rg.Mask(0.5), "exact"), r"form must be 'moment', 'pattern' or None, got 'exact'"),
    "form alone": (lambda: form_of(None, "moment"), r"form='moment' needs a learner with an augmentation"),
    "mixtures": (lambda: form_of(rg.Mixup(0.5), "moment"), r"form='moment' is wrong for Mixup: mixed rows share"),
    "labels": (lambda: form_of(SMOOTH, "moment"), r"form='moment' needs labels that do not depend on the view's"),
    "endless": (lambda: augmented_modes(ENDLESS, rg.Cutout(3)), r"Cutout needs finitely many modes: give modes="),
    "views": (lambda: form_of(rg.Gain([0.4, 1.6], views=33), None), r"views must be at most 32, or math\.inf, .*got 33"),
    "test views zero": (lambda: learner(rg.Mask(0.5), test_views=0), r"test_views must be an integer >= 1, got 0"),
    "test views half": (lambda: learner(rg.Mask(0.5), test_views=2.5), r"test_views must be an integer >= 1, got 2\.5"),
    "test views mixed": (lambda: learner(rg.Mixup(0.5), test_views=2), r"test_views needs an augmentation that changes"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_message(name):
    call, message = REFUSED[name]
    with pytest.raises(ValueError, match=message):
        call()
