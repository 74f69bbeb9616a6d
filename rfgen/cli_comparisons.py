"""Named comparisons of theory and simulation, each a question with a task, a learner and sizes."""

__all__ = ["NAMED", "Comparison"]

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any

import numpy as np

from rfgen.cli_domain_comparisons import DOMAINS, domains_of
from rfgen.cli_own_estimators import OWN, own_estimator
from rfgen.problems.augmentations.mixing import Mixup
from rfgen.problems.augmentations.noise import GaussianNoise, Mask
from rfgen.problems.classes.mixture import Mixture
from rfgen.problems.data_task import DataTask
from rfgen.problems.datasets import digits
from rfgen.problems.domains.domains import Domains
from rfgen.problems.domains.sequence import Sequence, Stage
from rfgen.problems.kernels.dot_product_kernels import NTK
from rfgen.problems.kernels.feature_maps import RandomFeatureMap
from rfgen.problems.learner import Learner
from rfgen.problems.spectra.spectrum import Spectrum
from rfgen.problems.task import Task
from rfgen.problems.trainings.classifier import AdversarialTraining, Hinge, Logistic, MaxMargin
from rfgen.problems.trainings.resampling import Bootstrap
from rfgen.problems.trainings.spectral import GradientFlow, Ridge
from rfgen.problems.trainings.stochastic import DANA, SGD, OnePassSGD
from rfgen.systems.sparse.problem import Lasso, SparseRegression


@dataclass(frozen=True)
class Comparison:
    """`build()` gives task and learner; `n` (of domains a mapping, empty: a training on fresh samples) and `trials` at the
    scales smoke (seconds) and paper (minutes); `numbers`: those that an estimator names.
    """

    question: str
    source: str
    build: Callable[[], tuple[Any, Any]]
    n: dict[str, Any]
    trials: dict[str, int]
    numbers: dict[str, Any] = field(default_factory=dict)


def _digits_features() -> tuple[DataTask, Learner]:
    inputs, labels = digits()
    return DataTask(inputs, labels, RandomFeatureMap(200, "tanh", seed=0)), Learner(Ridge(0.15))


def _digits_bagged() -> tuple[DataTask, Learner]:
    task, learner = _digits_features()
    return task, replace(learner, resampling=Bootstrap())


def _digits_kernel() -> tuple[Task, Learner]:
    inputs, labels = digits()
    unit = inputs / np.linalg.norm(inputs, axis=1, keepdims=True)
    return Task.from_kernel(NTK("relu", depth=2)(np.clip(unit @ unit.T, -1.0, 1.0)), labels), Learner(Ridge(5.0))


def _falling(t: np.ndarray) -> np.ndarray:
    return 0.05 * (1.0 + t) ** (-1.0 / 1.3)


def _two_domains() -> tuple[Domains, Learner]:
    real = Task.power_law(1.5, 1.5, 0.5, modes=400)
    other = real.shifted(overlap=0.8, noise=0.1, scale=np.geomspace(2.0, 0.5, 400))
    return Domains({"real": real, "cheap": other}), Learner(Ridge(0.3), features=200)


def _weak_to_strong() -> tuple[Domains, Sequence]:
    task = Task.power_law(1.5, 1.5, 0.3, modes=400)
    domains = Domains({"old": task, "new": task.shifted(overlap=0.7)})
    weak = Stage("weak", Learner(Ridge(0.1), features=40), {"old": 100})
    strong = Stage("strong", Learner(Ridge([0.1, 3.0]), features=200), {"old": 200}, labels="weak")
    tuned = Stage("tuned", Learner(GradientFlow([3.0, 30.0])), {"new": 80}, start="strong")
    return domains, Sequence([weak, strong, tuned])


SMOKE, PAPER = (64, 128, 256), (64, 128, 256, 512, 1024)
DIGITS = {"smoke": (50, 100, 200), "paper": (25, 50, 100, 200, 400)}
TRIALS = {"smoke": 30, "paper": 200}

NAMED = {
    "kernel-ridge": Comparison(
        "Kernel ridge regression, power-law spectrum and target: risk against n and ridge",
        "arXiv 2311.14646",
        lambda: (Task.power_law(1.5, 1.5, 0.5, modes=4000), Learner(Ridge([1e-3, 0.1, 2.0]))),
        {"smoke": SMOKE, "paper": PAPER}, TRIALS,
    ),
    "kernel-ridgeless": Comparison(
        "Interpolation at ridge 0 on an infinite power-law spectrum: tempered overfitting",
        "arXiv 2311.14646, 2306.13185",
        lambda: (Task.power_law(1.5, 1.5, 0.5), Learner(Ridge(0.0))),
        {"smoke": SMOKE, "paper": PAPER}, TRIALS,
    ),
    "random-features": Comparison(
        "Random features below, near and above the number of samples: more is better at the right ridge",
        "arXiv 2311.14646",
        lambda: (Task.power_law(1.5, 1.5, 0.5, modes=4000), Learner(Ridge([0.02, 0.5]), features=[32, 200, 1000])),
        {"smoke": (64, 150), "paper": (64, 150, 256, 512)}, TRIALS,
    ),
    "double-descent": Comparison(
        "Least squares on isotropic inputs, n through the dimension: the peak and its two sides",
        "arXiv 1903.08560",
        lambda: (Task.isotropic(100, signal=1.0, noise=0.25), Learner(Ridge([0.0, 2.0]))),
        {"smoke": (50, 150, 300), "paper": (25, 50, 75, 130, 200, 400)}, TRIALS,
    ),
    "two-domains": Comparison(
        "Rows of the population used and of a cheaper one of another target and other variances, features seen by both",
        "derived; several classes of rows after arXiv 2410.04840",
        _two_domains,
        {"smoke": {"real": [40, 80], "cheap": [0, 160]}, "paper": {"real": [40, 80, 160], "cheap": [0, 80, 320, 1280]}},
        TRIALS,
    ),
    "weak-to-strong": Comparison(
        "A student of 200 random features on labels of a teacher of 40, then tuned on few true rows of a shifted target",
        "derived; question of arXiv 2410.18837, 2603.05691",
        _weak_to_strong, {"smoke": (), "paper": ()}, TRIALS,
    ),
    "training-time": Comparison(
        "Gradient flow on random features, stopped early, in time and late",
        "derived; gradient flow after arXiv 1710.03667",
        lambda: (Task.power_law(1.5, 1.5, 0.5, modes=1000), Learner(GradientFlow([1.0, 30.0, 1000.0]), features=100)),
        {"smoke": (50, 100, 200), "paper": (25, 50, 100, 200, 400)}, TRIALS,
    ),
    "one-pass": Comparison(
        "Single samples seen once, at three rates, last iterate: exact at this very size",
        "derived; iterations of arXiv 2311.14222",
        lambda: (Task.power_law(1.3, 1.3, 0.3, modes=40), Learner(OnePassSGD([0.1, 0.2, 0.35], [5, 20, 60, 150]))),
        {"smoke": (), "paper": ()}, {"smoke": 2000, "paper": 20_000},
    ),
    "adapted-momentum": Comparison(
        "Momentum adapted to the dimension: a memory of gradients that grows, its rate falling: exact at this very size",
        "derived; method of arXiv 2505.16098",
        lambda: (Task.power_law(1.3, 1.3, 0.3, modes=40), Learner(DANA([0.1, 0.2], _falling, [5, 20, 60, 150]))),
        {"smoke": (), "paper": ()}, {"smoke": 2000, "paper": 20_000},
    ),
    "many-passes": Comparison(
        "Stochastic gradient descent through 100 random features, batches of four drawn with replacement",
        "derived",
        lambda: (Task.power_law(1.0, 1.3, 0.3, modes=400), Learner(SGD(0.1, [5, 20, 60, 150, 400], batch=4), features=100)),
        {"smoke": (100, 200), "paper": (50, 100, 200, 400)}, TRIALS,
    ),
    "fresh-visits": Comparison(
        "Stochastic gradient descent through 100 random features, each visit of a sample masked anew",
        "derived",
        lambda: (
            Task.power_law(1.0, 1.3, 0.3, modes=400),
            Learner(SGD(0.1, [5, 20, 60, 150, 400], batch=4), features=100, augmentation=Mask(0.7)),
        ),
        {"smoke": (100, 200), "paper": (50, 100, 200, 400)}, TRIALS,
    ),
    "several-visits": Comparison(
        "Many passes through 100 random features, each visit of a sample in three new masked views, and in one",
        "derived",
        lambda: (
            Task.power_law(1.0, 1.3, 0.3, modes=400),
            Learner(SGD(0.1, [5, 20, 60, 150, 400], batch=2), features=100, augmentation=Mask(0.7, views=[1, 3])),
        ),
        {"smoke": (100, 200), "paper": (50, 100, 200, 400)}, TRIALS,
    ),
    "bagged-passes": Comparison(
        "Many passes over samples that each model draws with replacement",
        "derived",
        lambda: (
            Task.power_law(1.0, 1.3, 0.3, modes=400),
            Learner(SGD(0.1, [5, 20, 60, 150, 400], batch=2), resampling=Bootstrap()),
        ),
        {"smoke": (100, 200), "paper": (50, 100, 200, 400)}, TRIALS,
    ),
    "mixed-batches": Comparison(
        "One pass on mixtures of each sample with the next of its batch: exact at this very size",
        "derived",
        lambda: (
            Task.power_law(1.3, 1.3, 0.3, modes=40),
            Learner(OnePassSGD([0.2, 0.4], [5, 20, 60, 150], batch=4), augmentation=Mixup(1.0)),
        ),
        {"smoke": (), "paper": ()}, {"smoke": 2000, "paper": 20_000},
    ),
    "interpolated-noise": Comparison(
        "Interpolating pure noise on a log-power-law spectrum: its risk is the overfitting coefficient",
        "arXiv 2306.13185",
        lambda: (Task(Spectrum.log_power_law(2.0, modes=4000), np.zeros(4000), 1.0), Learner(Ridge(0.0))),
        {"smoke": (64, 150), "paper": (64, 150, 256, 512)}, TRIALS,
    ),
    "flipped-labels": Comparison(
        "The largest margin between two classes in 300 dimensions, a tenth of whose labels are flipped and fitted",
        "derived",
        lambda: (Mixture(np.full(300, 0.1), np.ones(300), flip=0.1), Learner(MaxMargin())),
        {"smoke": (100, 200), "paper": (50, 100, 200, 300)}, TRIALS,
    ),
    "logistic-classes": Comparison(
        "Logistic regression with an intercept on two unequal classes, through 200 random features",
        "derived",
        lambda: (Mixture(np.full(300, 0.1), np.ones(300), 0.3, 0.1), Learner(Logistic([1.0, 10.0], intercept=True), 200)),
        {"smoke": (100, 300), "paper": (50, 100, 200, 400)}, TRIALS,
    ),
    "early-learning": Comparison(
        "Gradient flow on two classes, a fifth of whose labels are flipped: learned early, remembered late",
        "derived",
        lambda: (Mixture(np.full(200, 0.11), np.ones(200), flip=0.2), Learner(GradientFlow([0.3, 3.0, 100.0]))),
        {"smoke": (200,), "paper": (100, 200, 400, 800)}, TRIALS,
    ),
    "noisy-views": Comparison(
        "A support vector machine and noise on its inputs: two views of every row, and infinitely many",
        "derived",
        lambda: (
            Mixture(np.full(150, 0.14), np.ones(150), flip=0.1),
            Learner(Hinge(8.0), augmentation=GaussianNoise(0.25, views=[2.0, np.inf])),
        ),
        {"smoke": (150,), "paper": (75, 150, 300, 600)}, TRIALS,
    ),
    "attacked-views": Comparison(
        "Logistic regression under attack in l2, each of three masked views moved against its label",
        "derived",
        lambda: (
            Mixture(np.full(150, 0.14), np.ones(150), flip=0.1),
            Learner(AdversarialTraining(Logistic(3.0), 0.1), augmentation=Mask(0.7, views=3)),
        ),
        {"smoke": (150,), "paper": (75, 150, 300, 600)}, TRIALS,
    ),
    "noisy-lasso": Comparison(
        "The lasso and noise on its inputs: one view of every row, and infinitely many, which are an elastic net",
        "derived",
        lambda: (
            SparseRegression.equal(dim=300, nonzeros=15, noise=0.25),
            Learner(Lasso([10.0, 40.0]), augmentation=GaussianNoise(0.25, views=[1.0, np.inf])),
        ),
        {"smoke": (100, 300), "paper": (100, 200, 300, 600)}, TRIALS,
    ),
    "sphere-ntk": Comparison(
        "The neural tangent kernel of a two-hidden-layer ReLU network on the sphere, real kernel and real points",
        "derived; recursion of arXiv 1806.07572",
        lambda: (Task.sphere(8, NTK("relu", depth=2), {1: 0.5, 2: 0.5}, noise=0.2, test_points=1000), Learner(Ridge(0.0))),
        {"smoke": (120, 240), "paper": (120, 240, 480)}, TRIALS,
    ),
    "digits-features": Comparison(
        "200 frozen random tanh features of real digits, odd against even: risk against n",
        "derived (one group with the features' own second moments)",
        _digits_features, DIGITS, TRIALS,
    ),
    "digits-bagged": Comparison(
        "The same on rows that a model draws again with replacement: risk on the digits left out against n",
        "derived",
        _digits_bagged, DIGITS, TRIALS,
    ),
    "digits-kernel": Comparison(
        "Kernel ridge regression with a neural tangent kernel on real digits, odd against even: risk against n",
        "arXiv 2311.14646",
        _digits_kernel, DIGITS, TRIALS,
    ),
}
NAMED |= {
    name: Comparison(question, source, partial(own_estimator, name), dict.fromkeys(TRIALS, numbers["n"]), TRIALS, {
        own: value for own, value in numbers.items() if own != "n"
    })
    for name, (question, source, _, numbers) in OWN.items()
} | {
    name: Comparison(question, source, partial(domains_of, name), {"smoke": rows, "paper": rows}, TRIALS)
    for name, (question, source, _, _, rows) in DOMAINS.items()
}
