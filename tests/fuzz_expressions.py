"""Random positive expressions: theory against simulation of the same tree, and against a second way to its fixed point.

`python -m tests.fuzz_expressions 300 0` looks at so many expressions from this seed on and prints those that disagree; the
full tier runs fewer.
"""

__all__ = ["agree", "branches", "look", "looked", "random_estimator", "second_way"]

import sys
import time
import warnings

import numpy as np

import rfgen as rg
from rfgen.algebra.estimator import Estimator
from rfgen.algebra.macros import INPUTS, covariance, teacher
from rfgen.problems.space_tasks import SpaceTasks
from rfgen.theory.compiled.core import _newton, _radius, solve_core
from rfgen.theory.compiled.numbers import numbers_of
from rfgen.theory.compiled.system import System

a = rg.algebra
N, K = a.space("n"), a.space("k")
DIAGONALS = {INPUTS: a.Diagonal("D", INPUTS), N: a.Diagonal("Dn", N), K: a.Diagonal("Dk", K)}
SCALE = a.scalar("scale")
DRAWN = [
    a.Gaussian("X", N, INPUTS, DIAGONALS[N], covariance("n"), SCALE), a.Gaussian("Y", N, INPUTS, variance=SCALE),
    a.Gaussian("W", INPUTS, K, None, DIAGONALS[K], SCALE), a.Gaussian("Z", K, N, None, None, SCALE),
]
LEVELS = 5
TRIALS, SIZE = 12, 300


def _from(rng, space):
    """A Gaussian matrix, or its transpose, into a space."""
    fitting = [own for own in DRAWN if space in (own.rows, own.columns)]
    own = fitting[rng.integers(len(fitting))]
    return own if own.rows is space else own.T


def _positive(rng, depth, space):
    total = a.scalar(float(rng.uniform(0.2, 1.0)))
    for _ in range(rng.integers(1, 3)):
        own = _from(rng, space)
        kind = rng.random()
        if depth > 1 and kind < 0.4:
            middle = _positive(rng, depth - 1, own.columns).inverse
            total = own @ middle @ own.T + total
        elif kind < 0.6:
            total = own @ DIAGONALS[own.columns] @ own.T + total
        else:
            total = own @ own.T + total
    return total


def _square(rng, depth, space):
    kind = rng.integers(0, 6) if depth > 0 else 0
    if kind == 0:
        return DIAGONALS[space] * float(rng.uniform(0.3, 1.5))
    if kind == 1:
        return _square(rng, depth - 1, space) + _square(rng, depth - 1, space)
    if kind == 2:
        return _square(rng, depth - 1, space) @ _square(rng, depth - 1, space)
    if kind == 3:
        own = _from(rng, space)
        return own @ _square(rng, depth - 1, own.columns) @ own.T
    return _positive(rng, depth - 1, space).inverse


def random_estimator(rng, depth=4):
    """An estimator that meets a Gaussian matrix and an inverse at least."""
    while True:
        matrix = _square(rng, depth, INPUTS)
        estimator = Estimator(matrix @ teacher("n"))
        if estimator.ridges and {"n", "k"} <= set(estimator.sizes):
            return estimator


def _arguments(rng, estimator, size=SIZE):
    sizes = {"n": int(1.2 * size), "k": int(0.8 * size)}
    levels = {name: rng.uniform(0.3, 1.5, LEVELS) for name in ("D", "Dn", "Dk")}
    known = {own.name for own in estimator.diagonals}
    power = np.diag(rng.uniform(0.3, 1.5, LEVELS))  # an output a level: vectors that are apart scatter less in the mean
    task = rg.Task(rng.uniform(0.3, 1.5, LEVELS), power, 0.0, np.full(LEVELS, size // LEVELS))
    numbers = {**sizes, "scale": 1.0 / size, **{name: own for name, own in levels.items() if name in known}}
    return task, {name: own for name, own in numbers.items() if name in (*estimator.names, *known)}


def _systems(estimator, task, numbers):
    """The cores with their numbers, and the smallest ridge."""
    names = {own.name for own in estimator.diagonals}
    domains = SpaceTasks.of(task, estimator.samples, None)
    at = numbers_of(estimator, domains, {name: np.asarray(numbers[name], float) for name in names})
    point = {name: float(own) for name, own in numbers.items() if name not in names}
    least = min(own.value(point) for own in estimator.ridges)
    cores = estimator.structure().cores
    return [System(core.pencil, core.traces, core.places, at(point)) for core in cores], least


def second_way(estimator, task, numbers):
    """The largest relative difference of the cores from what plain averaged iteration finds at no shift."""
    worst, (systems, least) = 0.0, _systems(estimator, task, numbers)
    for system in systems:
        found, _ = solve_core(system, least, 0.0)
        needed = [(own.row, own.column) for own in system.traces]
        every = range(len(system.traces))
        here = np.array(system.traced(every, system.inverse({}, needed, 10.0)))
        for _ in range(3000):
            there = np.array(system.traced(every, system.inverse(dict(enumerate(here)), needed)))
            with np.errstate(all="ignore"):
                near = np.max(np.abs(there / here - 1)) < 1e-13
            if near:
                break
            here = 0.5 * (here + there)
        worst = max(worst, float(np.max(np.abs(here / found - 1))))
    return worst


def branches(count, seed, starts=12):
    """Spectral radii of the cores' traces: at the solutions, and at others that Newton's method finds from anywhere."""
    right, others = [], []
    for number in range(count):
        rng = np.random.default_rng([seed, number])
        estimator = random_estimator(rng)
        systems, least = _systems(estimator, *_arguments(rng, estimator))
        for system in systems:
            found, _ = solve_core(system, least, 0.0)
            right.append(_radius(_newton(system, 0.0, np.sign(found), np.log(np.abs(found)))[3]))
            for _ in range(starts):
                signs = rng.choice([-1.0, 1.0], len(found))
                logs = np.log(np.abs(found)) + rng.normal(size=len(found)) * rng.choice([0.5, 2.0, 5.0])
                other = _newton(system, 0.0, signs, logs)
                if other is not None and np.max(np.abs(signs * np.exp(other[0]) / found - 1)) > 1e-6:
                    others.append(_radius(other[3]))
    return np.array(right), np.array(others)


def looked(number, seed, trials=TRIALS, size=SIZE):
    """Of one expression: the difference of theory and simulation, relative and in standard errors, and of both ways."""
    rng = np.random.default_rng([seed, number])
    estimator = random_estimator(rng)
    task, numbers = _arguments(rng, estimator, size)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        exact = float(rg.predict(task, estimator, **numbers).test)
        runs = rg.simulate(task, estimator, trials=trials, seed=seed, progress=False, **numbers)
    difference = abs(float(runs.test) - exact)
    return difference / abs(exact), difference / float(runs.test_se), second_way(estimator, task, numbers)


def look(count, seed, trials=TRIALS, size=SIZE):
    """The same of many (expressions, 3)."""
    return np.array([looked(number, seed, trials, size) for number in range(count)])


def agree(found):
    """Which are within .5 % or 4 standard errors."""
    return (found[:, 0] < 0.005) | (found[:, 1] < 4.0)


if __name__ == "__main__":
    started = time.process_time()
    seen = look(int(sys.argv[1]), int(sys.argv[2]))
    print(f"{len(seen)} expressions, {time.process_time() - started:.0f} CPU seconds")
    print(f"within .5 % or 4 s.e.: {agree(seen).sum()}; median difference {np.median(seen[:, 0]):.2g}")
    print(f"both ways agree to {np.max(seen[:, 2]):.2g}")
    for number in np.flatnonzero(~agree(seen) | (seen[:, 2] > 1e-10)):
        print(number, seen[number], random_estimator(np.random.default_rng([int(sys.argv[2]), number])).weights)
