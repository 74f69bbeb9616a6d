"""Named comparisons of rows of several domains: known questions as instances of one mechanism."""

__all__ = ["DOMAINS", "domains_of"]

from typing import Any

import numpy as np

from rfgen.problems.augmentations.noise import GaussianNoise, Mask
from rfgen.problems.domains.domain import Domain
from rfgen.problems.domains.domains import Domains
from rfgen.problems.learner import Learner
from rfgen.problems.trainings.spectral import Ridge
from rfgen.problems.trainings.stochastic import SGD

P = 120
AT = np.arange(1, P + 1)
SPECTRUM, TEACHER = AT**-0.7 / 5.0, AT**-0.5
REAL = Domain(SPECTRUM, TEACHER, 0.3)


def _shifted_rows() -> Domains:
    """Rows of another target and other variances beside those of the population used."""
    return Domains({"used": REAL, "shifted": REAL.shifted(overlap=0.9, scale=np.geomspace(1.5, 0.7, P))})


def _undesired() -> Domains:
    """Inputs in the directions of an unwanted feature, labelled 0: they project it away.  Used where it is large."""
    unwanted = np.where((AT > 4) & (AT <= 24), 1.0, 0.0)
    return Domains({
        "training": REAL, "labelled_0": Domain(unwanted, np.zeros(P)),
        "shifted": Domain(SPECTRUM + unwanted, np.where(unwanted > 0.0, 0.0, TEACHER), 0.3),
    })


def _spurious() -> Domains:
    """A core feature, a copy of the label that is spurious, nuisance: correlated in training, not where it is used."""
    second, power = np.diag(np.append([1.0, 1.0], np.full(P - 2, 0.2))), 1.3
    second[0, 1] = second[1, 0] = 0.7
    cross = np.append([1.0, 0.9], np.zeros(P - 2))
    apart, alone = np.diag(np.diag(second)), np.append([1.0, 0.0], np.zeros(P - 2))
    return Domains({
        "correlated": Domain.from_moments(second, cross, power), "decorrelated": Domain.from_moments(apart, alone, power),
    })


def _modalities() -> Domains:
    """Rows of two modalities, and rows that lack the second: what it told of the label is their noise."""
    first = AT % 2 == 0
    missing = float(np.sum((TEACHER**2 * SPECTRUM)[~first]))
    alone = Domain(np.where(first, SPECTRUM, 0.0), np.where(first, TEACHER, 0.0), 0.3 + missing)
    return Domains({"both": REAL, "first": alone})


def _tilted() -> Domains:
    """Two classes of means +-mu, a tenth of the labels flipped: the cosine of the fit with mu is the root of a ratio of two
    risks against weights 0, along mu and in all directions.
    """
    mean = np.eye(P)[0] * 1.5
    rows = Domain.from_moments(np.append(1.0 + 1.5**2, np.full(P - 1, 0.5)), 0.8 * mean, 1.0)
    return Domains({"rows": rows, "along": Domain(np.eye(P)[0], np.zeros(P)), "all": Domain(np.ones(P), np.zeros(P))})


def _causal() -> Domains:
    """Endogenous inputs: a hidden cause moves the label and inputs that do not act on it.  Noise on these leaves the
    outcome as it is, and takes their weight away.  Used under intervention, where the cause moves no input.
    """
    acting = np.where(AT > P // 2, 0.0, TEACHER)
    hidden = np.where(AT > P // 2, 0.5, 0.0) * np.sqrt(SPECTRUM) / np.sqrt(P / 4.0)
    cross = SPECTRUM * acting + hidden
    power = float(np.sum(cross**2 / SPECTRUM)) + 0.3
    return Domains({"observed": Domain.from_moments(SPECTRUM, cross, power), "intervened": Domain(SPECTRUM, acting, 0.3)})


def _generated() -> Domains:
    """Two classes +-mu, and rows of a Gaussian model whose mean was estimated on 60 other rows."""
    true = np.zeros(P)
    true[:10] = 0.5
    estimated = true + np.random.default_rng(0).normal(size=P) * np.sqrt(0.3 / 60)

    def classes(mean: np.ndarray) -> Domain:
        return Domain.from_moments(0.3 * np.eye(P) + np.outer(mean, mean), mean, 1.0)

    return Domains({"real": classes(true), "generated": classes(estimated)})


def _flipped() -> Domains:
    """Rows of labels with the sign turned."""
    return Domains({"clean": REAL, "flipped": Domain(SPECTRUM, -TEACHER, 0.3)})


def _outliers() -> Domains:
    """Labels of 50 times the noise; rows that weigh a tenth are rows scaled by the root of it."""
    return Domains({"clean": REAL, "outliers": REAL.shifted(noise=15.0), "weighed": Domain(0.1 * SPECTRUM, TEACHER, 1.5)})


RIDGE = Learner(Ridge([0.1, 1.0]))
# name: question, source, domains, learner, rows
DOMAINS: dict[str, tuple[str, str, Any, Learner, dict[str, Any]]] = {
    "ood-rows": (
        "More and more rows of another distribution: they help, then harm", "arXiv 2208.10967, in regression",
        _shifted_rows, Learner(Ridge(0.3)), {"used": 60, "shifted": [0, 60, 400]},
    ),
    "undesired-features": (
        "Rows that hold an unwanted feature, labelled 0: used where it is large, and in the training distribution",
        "derived", _undesired, RIDGE, {"training": 100, "labelled_0": [0, 40, 200], "shifted": 0},
    ),
    "spurious-features": (
        "A spurious copy of the label, correlated with the core feature in training alone", "derived",
        _spurious, Learner(Ridge([1e-6, 1.0])), {"correlated": [60, 400], "decorrelated": 0},
    ),
    "missing-modality": (
        "Rows of two modalities, and cheap ones that lack the second", "derived",
        _modalities, RIDGE, {"both": 60, "first": [0, 100]},
    ),
    "tilted-boundary": (
        "Least squares on two classes: how far its boundary tilts from the best one", "derived",
        _tilted, RIDGE, {"rows": [80, 200], "along": 0, "all": 0},
    ),
    "causal-augmentation": (
        "A hidden cause of inputs and outcome: noise on the inputs that it moves, used under intervention",
        "derived",
        _causal, Learner(Ridge(0.1), augmentation={
            "observed": GaussianNoise(0.1, views=3, covariance=np.where(AT > P // 2, 1.0, 0.0)),
        }), {"observed": [60, 240], "intervened": 0},
    ),
    "generated-classes": (
        "Two classes, and rows of a Gaussian model of them, estimated elsewhere: least squares", "derived",
        _generated, RIDGE, {"real": 40, "generated": [0, 100]},
    ),
    "flipped-rows": (
        "Rows whose labels have the sign turned", "derived", _flipped, RIDGE, {"clean": 80, "flipped": [0, 40]},
    ),
    "outlier-rows": (
        "Rows of labels with 50 times the noise, at full weight and at a tenth of it", "derived",
        _outliers, RIDGE, {"clean": 80, "outliers": [0, 30], "weighed": [0, 30]},
    ),
    "views-by-domain": (
        "Four noisy views of each row of one domain, two masked ones of the other, through 80 random features", "derived",
        _shifted_rows,
        Learner(Ridge(0.3), 80, {"used": GaussianNoise(0.05, views=4), "shifted": Mask(0.7, views=2)}),
        {"used": 60, "shifted": [0, 60]},
    ),
    "domain-passes": (
        "Stochastic gradient descent over rows of two domains, each with a loss of its own", "derived",
        _shifted_rows, Learner(SGD(0.3, [5, 30, 150], batch=2)), {"used": 60, "shifted": 90},
    ),
}


def domains_of(name: str) -> tuple[Domains, Learner]:
    """Domains and learner of a comparison."""
    _, _, build, learner, _ = DOMAINS[name]
    return build(), learner
