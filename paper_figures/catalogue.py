"""The list of figures."""

__all__ = ["FIGURES", "Entry"]

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from paper_figures import (
    accelerated_sgd,
    advani_saxe_decomposition,
    advani_saxe_double_descent,
    advani_saxe_dynamics,
    advani_saxe_initialisation,
    advani_saxe_spectra,
    advani_saxe_stopping,
    advani_saxe_student_teacher,
    benign_bounds,
    benign_isotropic,
    benign_mixture,
    benign_regimes,
    benign_sparse,
    benign_univariate,
    benign_xor,
    class_imbalance,
    ensembles,
    lazy_training,
    more_is_better_features,
    more_is_better_fitting_ratio,
    more_is_better_spectra,
    morisset_digits,
    morisset_patterns,
    morisset_ridge,
    morisset_strength,
    morisset_views,
    one_epoch,
    sensitivity,
    zhou_cost,
    zhou_noise,
    zhou_phases,
    zhou_sphere,
)

AGNOSTIC = "Zhou, Simon, Vardi, Srebro: An agnostic view on the cost of overfitting (arXiv 2306.13185)"
BARTLETT = "Bartlett, Long, Lugosi, Tsigler: Benign overfitting in linear regression (arXiv 1906.11300)"
BENIGN_MIXTURE = "Benign overfitting of two classes (derived here)"
BENIGN_SPARSE = "Sparse regression, for the question of Zhou, Ge (arXiv 2302.00257)"
BENIGN_XOR = "Benign overfitting and grokking in ReLU networks for XOR cluster data (arXiv 2310.02541)"
FINE_GRAINED = "Adlam, Pennington: A fine-grained bias-variance decomposition (arXiv 2011.03321)"
HASTIE = "Hastie, Montanari, Rosset, Tibshirani: Surprises in high-dimensional ridgeless least squares (arXiv 1903.08560)"
LAZY_TRAINING = "Lazy training of wide networks (derived here)"
MALLINAR = "Mallinar et al.: Benign, tempered, or catastrophic (arXiv 2207.06569)"
ADVANI_SAXE = "Advani, Saxe: High-dimensional dynamics of generalization error in neural networks (arXiv 1710.03667)"
ACCELERATED = "Li et al.: Risk bounds of accelerated SGD for overparameterized linear regression (arXiv 2311.14222)"
CLASS_IMBALANCE = "Class imbalance (derived here)"
ONE_EPOCH = "One pass, many passes, scaling (derived here)"
ROBUSTNESS = "Bombari, Kiyani, Mondelli: Beyond the universal law of robustness (arXiv 2302.01629)"
UNIVARIATE = "Joshi, Vardi, Srebro: Noisy interpolation learning with shallow univariate ReLU networks (arXiv 2307.15396)"
MORE_IS_BETTER = "Simon, Karkada, Ghosh, Belkin: More is Better (arXiv 2311.14646)"
MORISSET = "Morisset, Durmus, Hardy: Random feature regression with arbitrary augmentation (arXiv 2605.10290)"


@dataclass(frozen=True)
class Entry:
    """One figure: where it comes from, what it shows, and the two functions that make it.

    `mark`: "known" (or in part) where the parameters are the paper's, "ours" where not; `with_data`: what `--data` changes.
    """

    name: str
    paper: str
    shows: str
    mark: str
    with_data: str
    compute: Callable[..., tuple[dict[str, Any], dict[str, Any]]]
    draw: Callable[..., Any]


FIGURES = {
    entry.name: entry
    for entry in (
        Entry(
            "advani_saxe_double_descent",
            ADVANI_SAXE,
            "test error of linear networks against the number of samples, after five training times",
            "known",
            "",
            advani_saxe_double_descent.compute,
            advani_saxe_double_descent.draw,
        ),
        Entry(
            "advani_saxe_dynamics",
            ADVANI_SAXE,
            "test and training error along gradient flow, the best time to stop, the best ridge",
            "ours",
            "",
            advani_saxe_dynamics.compute,
            advani_saxe_dynamics.draw,
        ),
        Entry(
            "advani_saxe_spectra",
            ADVANI_SAXE,
            "eigenvalues of the input correlations against Marchenko-Pastur, and the learning curves they imply",
            "ours",
            "",
            advani_saxe_spectra.compute,
            advani_saxe_spectra.draw,
        ),
        Entry(
            "advani_saxe_stopping",
            ADVANI_SAXE,
            "best stopping time over signal-to-noise ratio and α, what it saves, what the best ridge saves beyond",
            "ours",
            "",
            advani_saxe_stopping.compute,
            advani_saxe_stopping.draw,
        ),
        Entry(
            "advani_saxe_initialisation",
            ADVANI_SAXE,
            "large initial weights: final error, the frozen subspace, error at the best stopping time",
            "ours",
            "",
            advani_saxe_initialisation.compute,
            advani_saxe_initialisation.draw,
        ),
        Entry(
            "advani_saxe_student_teacher",
            ADVANI_SAXE,
            "ReLU teacher and students: best and late error against hidden units, spectra of hidden units",
            "known in part",
            "",
            advani_saxe_student_teacher.compute,
            advani_saxe_student_teacher.draw,
        ),
        Entry(
            "advani_saxe_decomposition",
            ADVANI_SAXE,
            "approximation, null-space and over-fitting error of random-feature students of a ReLU teacher",
            "known in part",
            "",
            advani_saxe_decomposition.compute,
            advani_saxe_decomposition.draw,
        ),
        Entry(
            "more_is_better_features",
            MORE_IS_BETTER,
            "test and train error of Gaussian random features against k and against n, five ridges and the optimal one",
            "known",
            "",
            more_is_better_features.compute,
            more_is_better_features.draw,
        ),
        Entry(
            "more_is_better_fitting_ratio",
            MORE_IS_BETTER,
            "test error against the fitting ratio train/test along a ridge sweep, several label noises",
            "known with --data, ours without",
            "measured sweeps of CIFAR-10, SVHN, MNIST in place of the bundled digits",
            more_is_better_fitting_ratio.compute,
            more_is_better_fitting_ratio.draw,
        ),
        Entry(
            "more_is_better_spectra",
            MORE_IS_BETTER,
            "kernel eigenvalues, effective ridge κ(n) from 1/tr(K⁻¹) and from the eigenvalues, ridgeless test error",
            "known with --data, ours without",
            "measured spectra of four image kernels in place of the bundled digits",
            more_is_better_spectra.compute,
            more_is_better_spectra.draw,
        ),
        Entry(
            "morisset_views",
            MORISSET,
            "test error of augmented random features against n/k, for 1, 2, 8 and infinitely many views of each sample",
            "ours",
            "",
            morisset_views.compute,
            morisset_views.draw,
        ),
        Entry(
            "morisset_strength",
            MORISSET,
            "test error against the strength of noise and masks, and the best strength against n and k",
            "ours",
            "",
            morisset_strength.compute,
            morisset_strength.draw,
        ),
        Entry(
            "morisset_digits",
            MORISSET,
            "predicted against measured test error: noise, masks, shifts, rotations, cutout and flips of real digits",
            "ours",
            "",
            morisset_digits.compute,
            morisset_digits.draw,
        ),
        Entry(
            "morisset_patterns",
            MORISSET,
            "where second moments of the views are not enough: gain, flip, cutout; moment form, pattern form, simulation",
            "ours",
            "",
            morisset_patterns.compute,
            morisset_patterns.draw,
        ),
        Entry(
            "morisset_ridge",
            MORISSET,
            "level sets of the test error over ridge and strength of noise or masks, one view and infinitely many",
            "ours",
            "",
            morisset_ridge.compute,
            morisset_ridge.draw,
        ),
        Entry(
            "accelerated_sgd",
            ACCELERATED,
            "accelerated against plain SGD in one pass: decay rates, errors in large and small eigenvalues, label noise",
            "ours",
            "",
            accelerated_sgd.compute,
            accelerated_sgd.draw,
        ),
        Entry(
            "one_epoch",
            ONE_EPOCH,
            "test risk at equal compute: one pass, many passes, full batch; exponents in samples, features and steps",
            "ours",
            "",
            one_epoch.compute,
            one_epoch.draw,
        ),
        Entry(
            "class_imbalance",
            CLASS_IMBALANCE,
            "test and training loss of a majority and a minority class along plain, balanced and normalised descent",
            "ours",
            "",
            class_imbalance.compute,
            class_imbalance.draw,
        ),
        Entry(
            "zhou_cost",
            AGNOSTIC,
            "cost of overfitting, E0 and its effective-rank bound against n, three kinds of spectra",
            "ours",
            "",
            zhou_cost.compute,
            zhou_cost.draw,
        ),
        Entry(
            "zhou_sphere",
            AGNOSTIC,
            "E0 of a kernel on the sphere against log n / log d: multiple descent",
            "ours",
            "",
            zhou_sphere.compute,
            zhou_sphere.draw,
        ),
        Entry(
            "zhou_noise",
            AGNOSTIC,
            "cost of overfitting against label noise, up to pure noise",
            "ours",
            "",
            zhou_noise.compute,
            zhou_noise.draw,
        ),
        Entry(
            "zhou_phases",
            AGNOSTIC,
            "benign, tempered, catastrophic by the limit of k/r_k",
            "ours",
            "",
            zhou_phases.compute,
            zhou_phases.draw,
        ),
        Entry(
            "benign_bounds",
            BARTLETT,
            "excess risk of the minimum-norm interpolator between bounds by effective ranks",
            "ours",
            "",
            benign_bounds.compute,
            benign_bounds.draw,
        ),
        Entry(
            "benign_isotropic",
            HASTIE,
            "ridgeless least squares against parameters per sample, and what it costs",
            "known in part",
            "",
            benign_isotropic.compute,
            benign_isotropic.draw,
        ),
        Entry(
            "benign_regimes",
            MALLINAR,
            "three regimes: learning curves, and fits of noise on a circle",
            "ours",
            "",
            benign_regimes.compute,
            benign_regimes.draw,
        ),
        Entry(
            "benign_mixture",
            BENIGN_MIXTURE,
            "two classes with flipped labels: test error of interpolating classifiers against dimension",
            "ours",
            "",
            benign_mixture.compute,
            benign_mixture.draw,
        ),
        Entry(
            "benign_xor",
            BENIGN_XOR,
            "a ReLU network on XOR clusters: fits flipped labels in one step, generalises later; its neurons",
            "ours",
            "",
            benign_xor.compute,
            benign_xor.draw,
        ),
        Entry(
            "benign_sparse",
            BENIGN_SPARSE,
            "least l1, least l2 and reparametrised interpolators, and the tuned lasso, against samples",
            "ours",
            "",
            benign_sparse.compute,
            benign_sparse.draw,
        ),
        Entry(
            "ensembles",
            FINE_GRAINED,
            "variance of random features by its origins, and ensembles against features and time",
            "ours",
            "",
            ensembles.compute,
            ensembles.draw,
        ),
        Entry(
            "lazy_training",
            LAZY_TRAINING,
            "what a random start costs a lazily trained network, with the humps of multiple descent",
            "ours",
            "",
            lazy_training.compute,
            lazy_training.draw,
        ),
        Entry(
            "benign_univariate",
            UNIVARIATE,
            "noise on a line: L1 and L2 risk of the least-norm ReLU interpolant and the linear spline against samples",
            "ours",
            "",
            benign_univariate.compute,
            benign_univariate.draw,
        ),
        Entry(
            "sensitivity",
            ROBUSTNESS,
            "gradients of tanh random features against their number, for several numbers of samples",
            "known in part",
            "",
            sensitivity.compute,
            sensitivity.draw,
        ),
    )
}
