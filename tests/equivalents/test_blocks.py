"""The engine for groups and blocks of views, against independent dense references, its own objective and samples."""

import math
from dataclasses import replace
from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from rfgen.equivalents.augmented.block_equilibrium import block_equilibrium
from rfgen.equivalents.augmented.block_error_kernel import block_error_kernel
from rfgen.equivalents.augmented.blocks import Blocks
from rfgen.equivalents.augmented.view_blocks import pattern_combinations
from rfgen.equivalents.operators import DenseOperators, DiagonalOperators
from rfgen.equivalents.path_equilibria import approach, path_equilibria
from rfgen.equivalents.targets import ModeTarget, VectorTarget
from tests.oracles.dense import dense_risk, objective, slope
from tests.oracles.patterns import linear_patterns, pattern_risk

# Groups are padded with empty ones and operators with zeros to these sizes: one compiled shape for all.
P, GROUPS = 24, 5
INF = math.inf
FEATURES, RIDGES = (INF, 15.0, 24.0, 40.0), (1e-6, 1e-4, 1e-2, 1.0)


@pytest.fixture(autouse=True)
def _double():
    with jax.enable_x64(True):
        yield


def on_device(*values):
    return jax.tree.map(lambda leaf: jnp.asarray(leaf, jnp.float64), values)


@jax.jit
def engine(operators, blocks, target, features, ridge, noise):
    """Test risk without label noise of its own, training loss of each group, norm; `noise` (G, m, m): of the labels."""
    at = block_equilibrium(operators, blocks, features, ridge)
    mean = target.mean_fit(operators, blocks, at, at)
    traces = (operators.pair(at.resolvent, at.resolvent), operators.plain(at.resolvent, at.resolvent))
    of = block_error_kernel(*traces, blocks, at, at, features, mean.residuals, noise, mean.norm)
    return {"test": mean.bias + jnp.sum(of.spread @ target.test), "train": of.train.sum(axis=1), "norm": of.norm.sum()}


@jax.jit
def value(operators, blocks, target, features, ridge, noise):
    """The deterministic training objective at the engine's equilibrium; residuals of a penalty, h, count in full."""
    at = block_equilibrium(operators, blocks, features, ridge)
    mean = target.mean_fit(operators, blocks, at, at)
    return jnp.einsum("g,gkl,gkl->", blocks.mass, at.reduction, mean.residuals + noise) + at.nu * mean.norm


def worst(found, exact):
    """Largest relative error; padding is 0 in both."""
    return float(np.max(np.abs(np.asarray(found) - exact) / np.maximum(np.abs(exact), 1e-300)))


def against(found, exact, groups, noise=0.0):
    """Error of a risk without label noise; empty groups train at no loss."""
    train = np.zeros(len(found["train"]))
    train[: len(groups)] = [one["rows"] * one["weight"] * each for one, each in zip(groups, exact["train"], strict=True)]
    risks = worst(found["test"] + noise, exact["test"]), worst(found["train"], train)
    return max(*risks, worst(found["norm"], exact["alpha"]))


def spread_out(rng, basis=None):
    basis = np.linalg.qr(rng.normal(size=(P, P)))[0] if basis is None else basis
    return basis * np.exp(1.5 * rng.normal(size=P)) @ basis.T


def dense_instance(seed):
    """Groups and population for the reference, the same for the engine."""
    rng = np.random.default_rng([7, seed])
    basis = np.linalg.qr(rng.normal(size=(P, P)))[0] if rng.integers(2) else None
    count = 1 + seed % GROUPS
    *groups, population = (dict(covariance=spread_out(rng, basis), teacher=rng.normal(size=P)) for _ in range(count + 1))
    for one in groups:
        one |= dict(rows=float(rng.integers(3, 60)), weight=np.exp(rng.normal()) / 30, residual=rng.uniform())
    population["noise"] = 0.3
    covariances, second = np.zeros((GROUPS + 1, P, P)), np.zeros(GROUPS + 1)
    (mass, weight, noise), cross = np.zeros((3, GROUPS)), np.zeros((GROUPS + 1, P))
    for place, one in [*enumerate(groups), (GROUPS, population)]:
        covariances[place], cross[place] = one["covariance"], one["covariance"] @ one["teacher"]
        second[place] = one["teacher"] @ cross[place]
        if place < GROUPS:
            mass[place], weight[place], noise[place] = one["rows"] * one["weight"], one["weight"], one["residual"]
    trained, label, test = (cross[:-1, None, None], second[:-1, None, None]), np.ones((GROUPS, 1)), np.eye(GROUPS + 1)[-1]
    target = VectorTarget(*trained, label, test, cross[-1], second[-1])
    ours = DenseOperators(covariances), Blocks(mass, weight, np.eye(GROUPS, GROUPS + 1)[:, None, None]), target
    settings = FEATURES[seed % 4], RIDGES[seed // 4 % 4]
    return groups, population, *settings, on_device(*ours, *settings, noise[:, None, None])


def test_groups_against_the_dense_reference():
    """Worst seen 4.5e-13."""
    errors = {}
    for seed in range(50):
        groups, population, features, ridge, ours = dense_instance(seed)
        exact, found = dense_risk(groups, features, ridge, population), engine(*ours)
        errors[seed] = against(found, exact, groups, 0.3)
    assert max(errors.values()) < 1e-10, errors


def mode_instance(seed):
    """Two classes of modes and a noise, each mode several times; groups of gains, labels and noises, the last all noise."""
    rng = np.random.default_rng([8, seed])
    nodes, count = 9, 1 + seed % 4
    multiplicity = np.array([1.0, 2, 3, 4, 2, 1, 5, 3, 3])  # P in all
    basis = np.exp(1.5 * rng.normal(size=(3, nodes)))
    first = np.arange(nodes) % 2 == 0
    basis[0, ~first] = basis[1, first] = 0.0
    clean = np.array([1.0, 1.0, 0.0])
    signal = clean * np.array([[1, 1, 1], [1, 0, 1], [0, 1, 1], [1, 1, 1]])  # groups of one class alone among them
    mass, weight = rng.uniform([[0.2], [0.01]], [[2.0], [0.1]], (2, 4)) * (np.arange(4) < count)
    gain, label = rng.normal(size=(4, 1, 3)) * signal[:, None], rng.normal(size=(4, 1))
    label[count - 1] = gain[count - 1] = 0.0
    covariance = gain[:, :, None] * gain[:, None] + rng.uniform(size=(4, 1, 1, 3))
    population, test_gain, test_noise = rng.uniform(0.5, 2, 3) * clean, rng.normal(size=3) * clean, rng.uniform(size=3)
    power = rng.uniform(size=nodes)
    target = ModeTarget(power, signal, gain, label, population, test_gain, test_noise)
    settings = FEATURES[seed % 4], RIDGES[seed // 4 % 4]
    ours = DiagonalOperators(basis, multiplicity), Blocks(mass, weight, covariance), target, *settings

    many = np.repeat(np.arange(nodes), multiplicity.astype(int))
    teacher, wide = np.sqrt(power / multiplicity)[many], basis[:, many]

    def seen(moments, gains, label, clean):
        """Covariance, least-squares teacher, and what that leaves."""
        spectrum, cross = moments @ wide, label * (clean * gains) @ wide * teacher
        left = label**2 * (clean @ wide @ teacher**2) - cross**2 @ (1 / spectrum)
        return dict(covariance=np.diag(spectrum), teacher=cross / spectrum), left

    groups = []
    for g in range(count):
        group, left = seen(covariance[g, 0, 0], gain[g, 0], label[g, 0], signal[g])
        groups.append(dict(**group, residual=left + 0.3 * label[g, 0] ** 2, rows=mass[g] / weight[g], weight=weight[g]))
    other, left = seen(population * test_gain**2 + test_noise, test_gain, 1.0, population)
    return groups, dict(**other, noise=left), *settings, on_device(*ours, 0.3 * (label**2)[:, :, None])


def test_a_target_that_does_not_say_whose_its_operators_are_is_refused():
    """The label power of all operators was added to every group: 8.14 for 2.741."""
    *_, ours = mode_instance(1)
    target = replace(ours[2], signal=ours[2].signal[0])
    with pytest.raises(ValueError, match="signal must say for each group"):
        engine(*ours[:2], target, *ours[3:])


def test_modes_against_the_dense_reference():
    """Worst seen 5.0e-14."""
    errors = {}
    for seed in range(32):
        groups, population, features, ridge, ours = mode_instance(seed)
        exact, found = dense_risk(groups, features, ridge, population), engine(*ours)
        errors[seed] = against(found, exact, groups)
    assert max(errors.values()) < 1e-10, errors


def pattern_instance(seed, views, kinds):
    """Random linear changes with noise: the reference's combinations, and the engine's over symmetric operators."""
    rng = np.random.default_rng([9, seed])
    n, ridge, noise = 20.0, 0.5, 0.2
    covariance, teacher, probability = spread_out(rng), rng.normal(size=P), rng.dirichlet(np.full(kinds, 3.0))
    gains = np.eye(P) + 0.3 * rng.normal(size=(kinds, P, P))
    noises, label = np.stack([0.3 * spread_out(rng) for _ in range(kinds)]), rng.uniform(0.5, 1.5, kinds)
    population = dict(covariance=spread_out(rng), teacher=rng.normal(size=P), noise=noise)
    combinations = linear_patterns(probability, gains, noises, label, views, covariance, teacher, noise)
    pairs = [(a, b) for a in range(kinds) for b in range(a + 1, kinds)]
    changes = [*gains, *(gains[a] + gains[b] for a, b in pairs)]
    basis = np.stack([*(one @ covariance @ one.T for one in changes), *noises, population["covariance"]])
    means = np.zeros((kinds, kinds, len(basis)))
    means[np.arange(kinds), np.arange(kinds), np.arange(kinds)] = 1.0
    for number, (a, b) in enumerate(pairs, start=kinds):
        means[a, b, [number, a, b]] = means[b, a, [number, a, b]] = 0.5, -0.5, -0.5
    mass, weight, drawn, _, _ = pattern_combinations(probability, float(views))
    blocks = means[drawn[:, :, None], drawn[:, None, :]]
    blocks[:, np.arange(views), np.arange(views)] += np.eye(len(basis))[kinds + len(pairs) + drawn]
    cross = np.einsum("gkp,gl->gklp", (gains @ covariance @ teacher)[drawn], label[drawn])
    labels = label[drawn][:, :, None] * label[drawn][:, None]
    test = np.eye(len(basis))[-1], population["covariance"] @ population["teacher"]
    power = teacher @ covariance @ teacher
    target = VectorTarget(cross, labels * power, label[drawn], *test, population["teacher"] @ test[1])
    ours = DenseOperators(basis), Blocks(mass, weight / n, blocks), target
    return combinations, n, ridge, population, lambda features: on_device(*ours, features, ridge / n, noise * labels)


@pytest.mark.parametrize(("views", "kinds"), [(2, 3), (3, 2)])
def test_patterns_against_loops(views, kinds):
    """Worst seen 4.9e-14."""
    errors = {}
    for seed, features in enumerate(FEATURES):
        combinations, n, ridge, population, ours = pattern_instance(seed, views, kinds)
        exact, found = pattern_risk(combinations, n, features, ridge, population), engine(*ours(features))
        pairs = (found["test"] + 0.2, "test"), (found["train"].sum(), "train"), (found["norm"], "norm")
        errors[features] = max(worst(value, exact[name]) for value, name in pairs)
    assert max(errors.values()) < 1e-9, errors


@pytest.mark.parametrize("seed", [12, 9])
def test_risks_are_slopes_of_one_number(seed):
    """dL/dh is the test risk, a_g dL/da_g the training loss, dL/dlambda the norm. Worst seen 4.6e-12."""
    groups, population, features, ridge, ours = dense_instance(seed)
    found = engine(*ours)

    def at(change=0.0, g=None, h=0.0):
        changed = [{**one, "weight": one["weight"] * (1 + change * (i == g))} for i, one in enumerate(groups)]
        return objective(changed, features, ridge * (1 + change * (g is None)), population, h)

    errors = [worst(slope(lambda h: at(h=h), 1e-3), found["test"] + 0.3), worst(slope(at, 2e-2) / ridge, found["norm"])]
    errors += [worst(slope(lambda e, g=g: at(e, g), 2e-2), found["train"][g]) for g in range(len(groups))]
    assert max(errors) < 1e-8, errors


@jax.jit
@partial(jax.grad, argnums=(0, 1, 2))
def slopes(ridge, log_weight, h, operators, blocks, target, features, noise):
    """Of the objective in lambda, log a_g, and the mass h of the last group."""
    mass = (blocks.mass * jnp.exp(log_weight)).at[-1].set(h)
    changed = Blocks(mass, blocks.weight * jnp.exp(log_weight), blocks.covariance)
    return value(operators, changed, target, features, ridge, noise)


def with_test_group(ours):
    """The last group made a penalty of mass h = 0 and weight 0, its population the test population."""
    operators, blocks, target, features, ridge, noise = ours
    last = GROUPS - 1
    mass, weight = (values.at[last].set(0.0) for values in (blocks.mass, blocks.weight))
    blocks = Blocks(mass, weight, blocks.covariance.at[last, 0, 0].set(target.test))
    cross, second = target.cross.at[last, 0, 0].set(target.test_cross), target.second.at[last, 0, 0].set(target.test_second)
    target = replace(target, cross=cross, second=second)
    return operators, blocks, target, features, ridge, noise.at[last].set(0.3)


@pytest.mark.parametrize("seed", [8, 9, 10, 11])
def test_risks_are_derivatives_of_the_engines_own_objective(seed):
    """Through the implicit function theorem. Worst seen 3.0e-15."""
    operators, blocks, target, features, ridge, noise = ours = with_test_group(dense_instance(seed)[-1])
    found = engine(*ours)
    norm, train, test = slopes(ridge, jnp.zeros(GROUPS), jnp.zeros(()), operators, blocks, target, features, noise)
    errors = [worst(norm, found["norm"]), worst(test, found["test"] + 0.3), worst(train[:-1], found["train"][:-1])]
    assert max(errors) < 1e-10, errors


solve_real = jax.jit(block_equilibrium)


@jax.jit
def solve_complex(operators, blocks, features, ridge):
    """The equilibrium at one complex ridge, along the ray of its argument."""
    ridge = jnp.asarray(ridge, jnp.complex128)
    found = path_equilibria(operators, blocks, features, approach(operators, blocks, ridge), ridge[None])
    return jax.tree.map(lambda leaf: leaf[0], found)


def two_groups(features, size=16):
    basis = np.exp(np.random.default_rng(11).normal(size=(2, size)) * np.array([[1.5], [1.0]]))
    blocks = Blocks(np.array([1.0, 0.6]), np.array([1 / 10, 1 / 18]), np.eye(2)[:, None, None])
    return on_device(DiagonalOperators(basis, np.ones(size)), blocks, features)


@pytest.mark.parametrize("features", [INF, 7.0, 16.0, 30.0])
def test_complex_ridges(features):
    """Worst seen 1.8e-15."""
    problem = two_groups(features)
    apart, turned, residual = [], [], []
    for size in float(problem[0].size() @ problem[1].mass) * np.geomspace(1e-7, 1e2, 10):
        real, same = vars(solve_real(*problem, jnp.asarray(size))), vars(solve_complex(*problem, jnp.asarray(size + 0j)))
        apart += [worst(same[name], np.asarray(real[name])) for name in ("nu", "traces", "strength", "df1")]
        for phi in (0.5, 1.5, 2.5, 2.9, 3.0):
            up, down = (solve_complex(*problem, jnp.asarray(size * np.exp(1j * sign * phi))) for sign in (1, -1))
            turned += [worst(np.conj(down.traces), np.asarray(up.traces)), worst(np.conj(down.nu), np.asarray(up.nu))]
            residual += [float(up.residual), float(down.residual)]
    assert max(apart) < 1e-12 and max(turned) < 1e-12 and max(residual) < 1e-12


@pytest.mark.parametrize(("features", "ridge"), [(INF, 0.03 * np.exp(2.6j)), (200, 0.02 * np.exp(-2.0j))])
def test_against_the_resolvent_of_samples(features, ridge):
    """tr Q / p of 300 coordinates, within 2/p of the mean of 24 samples: 0.0027, 0.0036 with standard errors of 0.0025."""
    p, samples, rng = 300, [], np.random.default_rng(12)
    basis = np.stack([np.arange(1.0, p + 1) ** -0.5, rng.uniform(0.1, 0.5, p)])
    rows, weight = np.array([150, 240]), np.array([1 / 200, 1 / 400])
    blocks = Blocks(rows * weight, weight, np.eye(2)[:, None, None])
    at = solve_complex(*on_device(DiagonalOperators(basis, np.ones(p)), blocks, features), jnp.asarray(ridge))
    for _ in range(24):
        X = [rng.normal(size=(count, p)) * np.sqrt(values) for count, values in zip(rows, basis, strict=True)]
        second = sum(a * x.T @ x for a, x in zip(weight, X, strict=True))
        F = np.eye(p) if math.isinf(features) else rng.normal(size=(p, features)) / np.sqrt(features)
        inner = np.linalg.inv(F.T @ second @ F + ridge * np.eye(F.shape[1]))
        samples.append(np.trace(F @ inner @ F.T) / p)
    exact = complex(jnp.mean(at.resolvent))
    assert abs(np.mean(samples) / exact - 1) < 2 / p
