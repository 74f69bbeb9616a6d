"""The table of methods: what is predicted and measured how, and what each covers."""

__all__ = ["METHODS", "method_for", "methods"]

from collections.abc import Mapping
from typing import Any

import numpy as np

from rfgen.algebra.estimator import Estimator
from rfgen.api.methods.class_trainings import CLASS_TRAININGS
from rfgen.api.methods.classification import predict_classifier
from rfgen.api.methods.classification_runs import simulate_classifier
from rfgen.api.methods.compiled import predict_compiled, simulate_compiled
from rfgen.api.methods.coverage import Coverage
from rfgen.api.methods.domains import predict_domains, simulate_domains
from rfgen.api.methods.method import OPTIONS, Method, asked, public
from rfgen.api.methods.ridge import predict_spectral
from rfgen.api.methods.sequence import predict_sequence, simulate_sequence
from rfgen.api.methods.sgd import predict_stochastic
from rfgen.api.methods.spectral_runs import simulate_spectral
from rfgen.curves.dataset import MEASURED
from rfgen.problems.classes.class_groups import ClassGroups
from rfgen.problems.classes.mixture import Mixture
from rfgen.problems.classes.teacher import Teacher
from rfgen.problems.data_task import DataTask
from rfgen.problems.domains.domains import Domains
from rfgen.problems.domains.sequence import Sequence
from rfgen.problems.learner import Learner
from rfgen.problems.named import Named
from rfgen.problems.task import Task
from rfgen.problems.trainings.classifier import LDA, RULES, AdversarialTraining, Averaging, Logistic, MaxMargin
from rfgen.problems.trainings.spectral import (
    AbstractTraining,
    Chebyshev,
    GradientDescent,
    GradientFlow,
    HeavyBall,
    IteratedRidge,
    Nesterov,
    Ridge,
)
from rfgen.problems.trainings.stochastic import DANA, SGD, AcceleratedSGD, OnePassSGD
from rfgen.systems.class_imbalance.method import predict_class_imbalance, simulate_class_imbalance
from rfgen.systems.class_imbalance.problem import ClassDescent, GaussianMixture
from rfgen.systems.labelled_features.method import predict_features, simulate_features
from rfgen.systems.labelled_features.problem import LabelledFeatures
from rfgen.systems.linear_networks.method import predict_deep_flow, simulate_deep_flow
from rfgen.systems.linear_networks.training import DeepLinearFlow
from rfgen.systems.naive_bayes.method import predict_naive_bayes, simulate_naive_bayes
from rfgen.systems.naive_bayes.problem import CorrelatedClasses, NaiveBayes
from rfgen.systems.robust.method import predict_robust, simulate_robust
from rfgen.systems.robust.problem import Absolute, Huber, NoisyTask, Quantile
from rfgen.systems.sparse.method import predict_sparse, simulate_sparse
from rfgen.systems.sparse.problem import BasisPursuit, Lasso, ReparametrizedFlow, SparseRegression
from rfgen.systems.sphere_labels.method import predict_sphere_labels, simulate_sphere_labels
from rfgen.systems.sphere_labels.problem import ZonalLabels
from rfgen.systems.xor.method import predict_network, simulate_network
from rfgen.systems.xor.problem import TwoLayerReLU, XORClusters

EIGEN = (Task, DataTask)
_VIEWS = frozenset({"features", "augmentation", "test_views"})
_MODELS = _VIEWS | {"resampling", "members"}
_SPECTRAL = {
    "predict": _MODELS | {"form"}, "simulate": _MODELS | {"dtype", "test_rows"}, "fine_grained_variance": _VIEWS | {"form"},
}
_MOVING = {verb: options | {"initial_variance"} for verb, options in _SPECTRAL.items()}
_DOMAINS = {verb: frozenset({"features", "augmentation", "members", "weights", "test"}) for verb in ("predict", "simulate")}
_CLASSIFIED = {
    verb: frozenset({"features", "augmentation", "intercept", "resampling", "members"}) for verb in ("predict", "simulate")
}
_EIGEN_PARTS = (MEASURED, ("test", "train"))

METHODS = (
    Method(
        "ridge regression", EIGEN, (Ridge,), predict_spectral, simulate_spectral, *_EIGEN_PARTS,
        {
            **_SPECTRAL, "predict": _SPECTRAL["predict"] | {"negative_ridge"},
            "simulate": _SPECTRAL["simulate"] | {"negative_ridge"},
            "optimal_ridge": _VIEWS | {"resampling"}, "optimal_augmentation": _VIEWS | {"form", "resampling"},
            "overfitting_cost": frozenset({"features"}),
        },
    ),
    Method(
        "gradient training", EIGEN, (GradientFlow, GradientDescent, HeavyBall, Nesterov, Chebyshev), predict_spectral,
        simulate_spectral, *_EIGEN_PARTS,
        {**_MOVING, "optimal_stopping": _VIEWS | {"form", "initial_variance", "resampling"}},
    ),
    Method(
        "self-distillation", EIGEN, (IteratedRidge,), predict_spectral, simulate_spectral, *_EIGEN_PARTS, _SPECTRAL
    ),
    Method(
        "many passes of SGD", EIGEN, (SGD,), predict_stochastic, simulate_spectral, *_EIGEN_PARTS,
        {
            "predict": frozenset({"features", "augmentation", "members", "resampling", "initial_variance"}),
            "simulate": frozenset({
                "features", "augmentation", "members", "resampling", "initial_variance", "reshuffle", "dtype", "test_rows",
            }),
            "optimal_stopping": frozenset({"features", "augmentation", "resampling", "initial_variance"}),
        },
    ),
    Method(
        "one pass of SGD", EIGEN, (OnePassSGD, AcceleratedSGD), predict_stochastic, simulate_spectral, MEASURED, ("test",),
        {
            "predict": frozenset({"features", "augmentation", "by_mode", "initial_variance"}),
            "simulate": frozenset({"features", "augmentation", "members", "initial_variance", "dtype"}),
            "optimal_stopping": frozenset({"features", "augmentation", "initial_variance"}),
        },
        reasons={
            "resampling": "where each sample is seen once", "members": "as two models on one stream are not derived",
        },
    ),
    Method(
        "dimension-adapted momentum", EIGEN, (DANA,), predict_stochastic, simulate_spectral, MEASURED, ("test",),
        {
            "predict": frozenset({"features", "by_mode"}), "simulate": frozenset({"features", "dtype"}),
        },
        reasons={"augmentation": "as its recursion is derived for clean samples"},
    ),
    Method(
        "several domains", (Domains,), (Ridge,), predict_domains, simulate_domains, *_EIGEN_PARTS,
        {
            **_DOMAINS, "row_value": frozenset({"features", "weights", "test"}),
            "optimal_mixture": frozenset({"features", "test"}),
        },
        reasons={"resampling": "as rows of a domain count alike"},
    ),
    Method(
        "training on several domains", (Domains,),
        (GradientFlow, GradientDescent, HeavyBall, Nesterov, Chebyshev, IteratedRidge, SGD), predict_domains,
        simulate_domains, *_EIGEN_PARTS, _DOMAINS,
        reasons={"resampling": "as rows of a domain count alike"},
    ),
    Method(
        "sequences of stages", (Domains,), (Sequence,), predict_sequence, simulate_sequence, ("test",), ("test",),
        dict.fromkeys(("predict", "simulate"), frozenset({"test"})),
        finite_size=1.5,
    ),
    Method(
        "linear classifiers", (Mixture, ClassGroups), tuple(RULES), predict_classifier, simulate_classifier,
        ("error", "train_error", "norm"), ("error", "train_error"),
        {**_CLASSIFIED, "adversarial_error": frozenset({"features", "intercept"})},
        finite_size=1.5,
    ),
    *CLASS_TRAININGS,
    Method(
        "adversarial training", (Mixture, ClassGroups, Teacher), (AdversarialTraining,), predict_classifier,
        simulate_classifier,
        ("error", "robust_error", "train_error", "norm"), ("error", "robust_error", "train_error"),
        {
            **_CLASSIFIED, "predict": _CLASSIFIED["predict"] - {"members"},
            "adversarial_error": frozenset({"features", "intercept"}),
        },
        finite_size=3.5,
        reasons={"members": "as how long the mean of their weights is, which an attack is worth, is not derived"},
    ),
    Method(
        "classifiers of a teacher's labels", (Teacher,), tuple(rule for rule in RULES if rule is not LDA),
        predict_classifier, simulate_classifier, ("error", "sign_error", "train_error", "norm"),
        ("error", "sign_error", "train_error"), _CLASSIFIED,
        finite_size=2.5,
    ),
    Method(
        "classifiers of real features", (LabelledFeatures,),
        tuple(rule for rule in RULES if rule not in (LDA, Averaging, MaxMargin)), predict_features, simulate_features,
        ("error", "train_error", "norm"), ("error",), _CLASSIFIED,
    ),
    Method(
        "sparse regression", (SparseRegression,), (Lasso, BasisPursuit, ReparametrizedFlow, Ridge), predict_sparse,
        simulate_sparse, ("test", "excess", "train", "norm"), ("test", "train"),
        {verb: _MODELS - {"test_views", *out} for verb, out in (("predict", ("members",)), ("simulate", ()))},
        finite_size=3.0,
        reasons={"members": "as the joint law of two fits is not derived"},
    ),
    Method(
        "robust regression", (NoisyTask, Task), (Huber, Absolute, Quantile, Ridge), predict_robust, simulate_robust,
        ("excess", "test", "norm"), ("excess",), _CLASSIFIED,
    ),
    Method(
        "regression under attack", (NoisyTask, Task), (AdversarialTraining,), predict_robust, simulate_robust,
        ("excess", "robust_test", "test", "norm"), ("excess", "robust_test"),
        dict.fromkeys(("predict", "simulate"), frozenset({"intercept"})),
        reasons={
            "augmentation": "as the kinks of several views of a row have no closed form",
            "features": "as inputs are moved, and not features", "resampling": "as rows count alike",
            "members": "as two models are not derived",
        },
    ),
    Method(
        "deep linear networks", (Task,), (DeepLinearFlow,), predict_deep_flow, simulate_deep_flow,
        ("test", "train", "norm"), ("test", "train"), dict.fromkeys(("predict", "simulate"), frozenset()),
        finite_size=1.5,
    ),
    Method(
        "naive Bayes against logistic", (CorrelatedClasses,), (NaiveBayes, Logistic), predict_naive_bayes,
        simulate_naive_bayes, ("error",), ("error",), dict.fromkeys(("predict", "simulate"), frozenset({"intercept"})),
        finite_size=3.5,
    ),
    Method(
        "descent on unequal classes", (GaussianMixture,), (ClassDescent,), predict_class_imbalance,
        simulate_class_imbalance, ("test", "train", "squared_gradient"), ("test", "train"),
        dict.fromkeys(("predict", "simulate"), frozenset()),
    ),
    Method(
        "kernel classifiers on the sphere", (ZonalLabels,), (Ridge, GradientFlow), predict_sphere_labels,
        simulate_sphere_labels, ("error", "test"), ("error", "test"),
        dict.fromkeys(("predict", "simulate"), frozenset()),
    ),
    Method(
        "networks on XOR clusters", (XORClusters,), (TwoLayerReLU,), predict_network, simulate_network,
        ("test_accuracy", "train_accuracy"), ("test_accuracy",), dict.fromkeys(("predict", "simulate"), frozenset()),
        dtype="float32",
    ),
    Method(
        "estimators of your own", (Task,), (Estimator,), predict_compiled, simulate_compiled,
        ("test", "error", "norm", "train"), ("test",),
        dict.fromkeys(("predict", "simulate"), frozenset({"test"})),
    ),
)


def method_for(verb: str, task: Any, learner: Any, **options: Any) -> tuple[Method, dict[str, Any]]:
    """The row that serves `task` and `learner`, and those of `options` that are asked for; refuses what it does not cover.

    Errors: ValueError that names the task, the training or the option, and the nearest that is there.
    """
    method = _method_of(verb, task, learner)
    wanted = asked(learner, **options)
    method.refuse(verb, wanted, METHODS)
    return method, {name: value for name, value in wanted.items() if name in options and name in method.covers[verb]}


def _method_of(verb: str, task: Any, learner: Any) -> Method:
    rows = [row for row in METHODS if verb in row.covers] or list(METHODS)
    if isinstance(learner, Estimator):  # its tasks, one or several, are checked with it
        return next(row for row in METHODS if Estimator in row.trainings)
    if not isinstance(learner, Learner | TwoLayerReLU | Sequence):
        hint = f": give rg.Learner({public(type(learner))}(...))" if isinstance(learner, AbstractTraining) else ""
        hint = ": the task comes first" if isinstance(task, Learner) else hint
        raise ValueError(f"learner must be an rg.Learner, got {type(learner).__name__}{hint}")
    if not any(isinstance(task, row.tasks) for row in METHODS):
        known = _named([kind for row in rows for kind in row.tasks])
        raise ValueError(f"task must be an {known} for {verb}, got {type(task).__name__}")
    training = learner.training if isinstance(learner, Learner) else learner
    augmentation = getattr(learner, "augmentation", None)
    if isinstance(augmentation, Mapping) and not isinstance(task, Domains):
        raise ValueError(
            f"augmentation must be one for all samples of {type(task).__name__}, got {augmentation!r}: those of "
            "each domain are for rg.Domains"
        )
    for row in METHODS:
        if isinstance(task, row.tasks) and isinstance(training, row.trainings):
            return row
    others = [row for row in METHODS if isinstance(training, row.trainings)]
    here = [row for row in METHODS if isinstance(task, row.tasks)]
    known = _named([kind for row in here for kind in row.trainings])
    if others:
        where = _named([kind for row in others for kind in row.tasks])
        raise ValueError(f"task must be an {where} to train {training!r}, got {task!r}, on which are trained {known}")
    raise ValueError(f"training must be one of {known} on {type(task).__name__}, got {training!r}")


def _named(kinds: list[type]) -> str:
    names = list(dict.fromkeys(map(public, kinds)))
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} or {names[-1]}"


def methods() -> Coverage:
    """The table of methods: which options each verb covers, for which trainings on which tasks.

    Returns
    -------
    Coverage
        Prints as a table of text, and as one of HTML in a notebook.  `.dataset` holds `covered` (name, verb, option),
        whether a verb covers an option, and `served` (name, verb); `.about` the documentation of each method, by its name.

    Examples
    --------
    >>> import rfgen as rg
    >>> table = rg.methods().dataset
    >>> bool(table.covered.sel(name="ridge regression", verb="predict", option="augmentation"))
    True
    >>> print(rg.methods().about["linear classifiers"].splitlines()[0])
    Exact error of linear classifiers: of two Gaussian classes, of labelled groups, of a teacher's labels.
    """
    verbs = list(dict.fromkeys(verb for row in METHODS for verb in row.covers))
    covered = np.array([[[option in row.covers.get(verb, ()) for option in OPTIONS] for verb in verbs] for row in METHODS])
    served = np.array([[verb in row.covers for verb in verbs] for row in METHODS])
    tasks = [_named(list(row.tasks)) for row in METHODS]
    trainings = [_named(list(row.trainings)) for row in METHODS]
    about = Named("method", {row.name: row.about for row in METHODS})
    return Coverage(list(about), tasks, trainings, verbs, list(OPTIONS), covered, served, about)
