"""Trained linear classifiers against the exact curves: mixtures, teachers, groups, random features, attacks, closed forms."""

from dataclasses import fields
from types import SimpleNamespace

import jax
import numpy as np
import pytest
from scipy.stats import norm

import rfgen as rg
from rfgen.problems.class_groups import ClassGroups
from rfgen.problems.classifier_training import LDA, Averaging, Hinge, Logistic, MaxMargin, SquaredHinge
from rfgen.problems.mixture import Mixture
from rfgen.problems.teacher import Teacher
from rfgen.simulation.classifier import RULES, classifier_runs
from rfgen.theory.margin_classifier import margin_classifier
from rfgen.theory.teacher_classifier import teacher_classifier, teacher_moments
from rfgen.theory.weight_law import adversarial_error, weight_law

# Standard errors between measurement and theory; the worst of each test is measured in its comment.
FAR = 4.0


def spectrum(dim):
    values = np.arange(1, dim + 1) ** -0.6
    return values / values.mean()


def direction(dim, length, seed=0):
    drawn = np.random.default_rng(seed).standard_normal(dim)
    return length * drawn / np.linalg.norm(drawn)


def mixture(prior=0.5, flip=0.0):
    return Mixture(direction(300, 1.7), spectrum(300), prior, flip)


# slug: problem, training, n, trials
MIXTURES = {
    "square": (mixture(0.25, 0.1), rg.Ridge(20.0, intercept=True), 400, 60),
    "square interpolating": (mixture(0.5, 0.1), rg.Ridge(5.0), 250, 60),
    "logistic": (mixture(0.5, 0.1), Logistic(10.0), 600, 40),
    "logistic imbalanced": (mixture(0.2, 0.05), Logistic(5.0, intercept=True), 900, 40),
    "logistic small ridge": (mixture(0.3), Logistic(0.05, intercept=True), 400, 40),
    "hinge imbalanced": (mixture(0.3), Hinge(20.0, intercept=True), 900, 24),
    "hinge": (mixture(0.5, 0.1), Hinge(20.0), 600, 30),
    "largest margin imbalanced": (mixture(0.35, 0.05), MaxMargin(intercept=True), 250, 60),
    "largest margin": (mixture(0.5, 0.1), MaxMargin(), 200, 60),
}


def arrays(record):
    """A record of numpy arrays by the same names."""
    return SimpleNamespace(**{each.name: np.asarray(getattr(record, each.name)) for each in fields(record)})


def distances(runs, expected):
    """Standard errors between means of `runs` and `expected`, by name."""
    found = {}
    for name, value in expected.items():
        mean, error = runs.summary(name)
        found[name] = np.abs(mean - np.asarray(value)) / error
    return found


def groups_theory(groups, training, features=np.inf):
    """The exact curve of labelled groups: as numpy arrays, and the record itself."""
    name, factor = RULES[type(training)]
    ridge = factor * float(getattr(training, "ridge", 1.0))
    with jax.enable_x64(True):
        theory = margin_classifier(groups.moments, name, ridge, features, training.intercept)
    assert theory.converged
    return arrays(theory), theory


def averages(found, counts):
    return {name: getattr(found, name) @ counts / counts.sum() for name in ("train_error", "support")}


@pytest.mark.parametrize("slug", MIXTURES)
def test_mixtures(slug):
    problem, training, n, trials = MIXTURES[slug]
    groups = problem.groups(n)
    found, _ = groups_theory(groups, training)
    expected = {"group_error": found.error[:2], "norm": found.norm, **averages(found, groups.counts)}
    if training.intercept:
        expected["intercept"] = found.intercept
    runs = classifier_runs(problem, training, n, trials=trials, seed=1)
    assert runs.separable.all() and runs.converged.all()
    apart = distances(runs, {name: value for name, value in expected.items() if np.any(value > 0.0) or name == "intercept"})
    print(slug, {name: np.round(value, 2).tolist() for name, value in apart.items()})
    assert max(value.max() for value in apart.values()) <= FAR
