"""Exact generalization curves of random-feature and kernel regression, and the simulations that confirm them.

Say what is learned (`Task`, `DataTask`) and who learns it (`Learner`); `predict` gives the exact curve, `simulate` the
Monte-Carlo, `check` both with z-scores, `plot` the picture.
"""

__all__ = [
    "DANA", "LDA", "NNGP", "NTK", "SGD", "Absolute", "AcceleratedSGD", "AdversarialTraining", "Augmentation", "Averaging",
    "BasisPursuit", "Bootstrap", "Chebyshev", "ClassDescent", "ClassGroups", "ColorJitter", "Compose", "ContaminatedNoise",
    "CorrelatedClasses", "Crop", "CutMix", "Cutout", "Dask", "DataTask", "DeepLinearFlow", "Domain", "Domains", "Dropout",
    "Flip", "Gain", "GaussianKernel", "GaussianMixture", "GaussianNoise", "GradientDescent", "GradientFlow", "Grayscale",
    "GridMask", "HeavyBall", "Hinge", "Huber", "IteratedRidge", "Jitter", "LabelSmoothing", "LabelledFeatures",
    "LaplaceKernel", "LaplaceNoise", "Lasso", "Learner", "Logistic", "Mask", "MaxMargin", "Mixture", "Mixup", "NaiveBayes",
    "Nesterov", "NoisyTask", "OnePassSGD", "PolynomialKernel", "PrecisionError", "Quantile", "RandomApply",
    "RandomFeatureMap", "ReparametrizedFlow", "Ridge", "Rotate", "SaltAndPepper", "Sequence", "Shift", "SmoothedHinge",
    "SparseRegression", "Spectrum", "SquaredHinge", "Stage", "StandardError", "StudentNoise", "Subsample", "Task", "Tasks",
    "Teacher", "TwoLayerReLU", "XORClusters", "ZonalLabels", "__version__", "adversarial_error", "algebra", "best_possible",
    "best_schedule", "cache_programs", "check", "compute_frontier", "corrected_logistic", "datasets", "diagnose",
    "estimate_risk", "explore", "features_of", "fine_grained_variance", "fit_scaling_law", "formula", "formulas",
    "learning_curve", "merge", "methods", "optimal_augmentation", "optimal_mixture", "optimal_ridge", "optimal_stopping",
    "overfitting_cost", "plot", "predict", "row_value", "sensitivity", "simulate", "tangent_features", "testing",
    "univariate",
]

from rfgen import algebra, testing
from rfgen._version import __version__
from rfgen.api import (
    adversarial_error,
    best_possible,
    best_schedule,
    compute_frontier,
    corrected_logistic,
    diagnose,
    estimate_risk,
    features_of,
    fine_grained_variance,
    fit_scaling_law,
    learning_curve,
    merge,
    optimal_augmentation,
    optimal_mixture,
    optimal_ridge,
    optimal_stopping,
    overfitting_cost,
    predict,
    row_value,
    sensitivity,
    simulate,
    tangent_features,
)
from rfgen.api.check.check import check
from rfgen.api.methods.table import methods
from rfgen.curves.cells.dask_engine import Dask
from rfgen.curves.cells.precision import StandardError
from rfgen.explorer import explore
from rfgen.numerics.compilation.precision import PrecisionError
from rfgen.numerics.compilation.program_cache import cache_programs
from rfgen.plotting import plot
from rfgen.problems import datasets
from rfgen.problems.augmentations import (
    Augmentation,
    ColorJitter,
    Compose,
    Crop,
    CutMix,
    Cutout,
    Dropout,
    Flip,
    Gain,
    GaussianNoise,
    Grayscale,
    GridMask,
    Jitter,
    LabelSmoothing,
    Mask,
    Mixup,
    RandomApply,
    Rotate,
    SaltAndPepper,
    Shift,
)
from rfgen.problems.classes.class_groups import ClassGroups
from rfgen.problems.classes.mixture import Mixture
from rfgen.problems.classes.teacher import Teacher
from rfgen.problems.data_task import DataTask
from rfgen.problems.domains.domain import Domain
from rfgen.problems.domains.domains import Domains
from rfgen.problems.domains.sequence import Sequence, Stage
from rfgen.problems.kernels.dot_product_kernels import NNGP, NTK, GaussianKernel, LaplaceKernel, PolynomialKernel
from rfgen.problems.kernels.feature_maps import RandomFeatureMap
from rfgen.problems.learner import Learner
from rfgen.problems.spectra.spectrum import Spectrum
from rfgen.problems.task import Task
from rfgen.problems.tasks import Tasks
from rfgen.problems.trainings.classifier import (
    LDA,
    AdversarialTraining,
    Averaging,
    Hinge,
    Logistic,
    MaxMargin,
    SmoothedHinge,
    SquaredHinge,
)
from rfgen.problems.trainings.resampling import Bootstrap, Subsample
from rfgen.problems.trainings.spectral import (
    Chebyshev,
    GradientDescent,
    GradientFlow,
    HeavyBall,
    IteratedRidge,
    Nesterov,
    Ridge,
)
from rfgen.problems.trainings.stochastic import DANA, SGD, AcceleratedSGD, OnePassSGD
from rfgen.symbolic import formula, formulas
from rfgen.systems import univariate
from rfgen.systems.class_imbalance.problem import ClassDescent, GaussianMixture
from rfgen.systems.labelled_features.problem import LabelledFeatures
from rfgen.systems.linear_networks.training import DeepLinearFlow
from rfgen.systems.naive_bayes.problem import CorrelatedClasses, NaiveBayes
from rfgen.systems.robust.noise_laws import ContaminatedNoise, LaplaceNoise, StudentNoise
from rfgen.systems.robust.problem import Absolute, Huber, NoisyTask, Quantile
from rfgen.systems.sparse.problem import BasisPursuit, Lasso, ReparametrizedFlow, SparseRegression
from rfgen.systems.sphere_labels.problem import ZonalLabels
from rfgen.systems.xor.problem import TwoLayerReLU, XORClusters
