"""Rows of the table of methods: classifiers along gradient training, and along one pass."""

__all__ = ["CLASS_TRAININGS"]

from rfgen.api.methods.classifier_training import predict_class_training, simulate_class_training
from rfgen.api.methods.method import Method
from rfgen.problems.classes.class_groups import ClassGroups
from rfgen.problems.classes.mixture import Mixture
from rfgen.problems.trainings.spectral import (
    Chebyshev,
    GradientDescent,
    GradientFlow,
    HeavyBall,
    IteratedRidge,
    Nesterov,
)
from rfgen.problems.trainings.stochastic import DANA, SGD, AcceleratedSGD, OnePassSGD

CLASS_TRAININGS = (
    Method(
        "gradient training of classifiers", (Mixture, ClassGroups),
        (GradientFlow, GradientDescent, HeavyBall, Nesterov, Chebyshev, IteratedRidge, SGD), predict_class_training,
        simulate_class_training, ("error", "train_error", "train_loss", "support", "flips_fitted", "norm"),
        ("error", "train_loss"),
        dict.fromkeys(("predict", "simulate"), frozenset({"features", "augmentation", "resampling", "members"})),
        reasons={
            "initial_variance": "as classifiers start from weights 0",
        },
    ),
    Method(
        "one pass over classes", (Mixture, ClassGroups), (OnePassSGD, AcceleratedSGD, DANA), predict_class_training,
        simulate_class_training, ("error", "norm"), ("error",), dict.fromkeys(("predict", "simulate"), frozenset()),
        reasons={
            "features": "as the recursion is derived for the inputs themselves",
            "augmentation": "as the recursion is derived for clean samples",
            "resampling": "where each sample is seen once", "members": "as two models on one stream are not derived",
            "initial_variance": "as classifiers start from weights 0",
        },
    ),
)
