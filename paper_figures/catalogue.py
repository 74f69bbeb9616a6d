"""The list of figures."""

__all__ = ["FIGURES", "Entry"]

import re
from dataclasses import dataclass

AGNOSTIC = "Zhou, Simon, Vardi, Srebro: An agnostic view on the cost of overfitting (arXiv 2306.13185)"
BARTLETT = "Bartlett, Long, Lugosi, Tsigler: Benign overfitting in linear regression (arXiv 1906.11300)"
BENIGN_MIXTURE = "Two Gaussian classes, for the question of Chatterji, Long (arXiv 2004.12019)"
BENIGN_SPARSE = "Sparse regression, for the question of Zhou, Ge (arXiv 2302.00257)"
BENIGN_XOR = "Benign overfitting and grokking in ReLU networks for XOR cluster data (arXiv 2310.02541)"
STOCHASTIC_VIEWS = "Stochastic gradient descent in fresh views, its rates and its momentum (DANA: arXiv 2505.16098)"
DOMAIN_ROWS = "Rows of several domains, for the questions of arXiv 2208.10967 and others"
OUT_OF_DISTRIBUTION = "De Silva et al.: The value of out-of-distribution data (arXiv 2208.10967)"
VIEWED_LOSSES = "Convex losses on augmented rows, for the question of Morisset, Durmus, Hardy (arXiv 2605.10290)"
ROBUST = "Robust regression in high dimension, for the questions of arXiv 1301.7158, 1503.02106"
VIEWED_LASSO = "Sparse regression on augmented rows, by the state evolution of arXiv 1008.2581"
EARLY_LEARNING = "Wrong labels along training, for the question of arXiv 2007.00151"
ATTACKED = "Regression under attack, for the question of arXiv 2002.10477"
DOMAIN_MIXTURES = "Generated and surrogate rows, for the questions of arXiv 2410.04840, 2509.22341, 2402.04376"
DOMAIN_STAGES = "Transfer, distillation, other rows, for questions of arXiv 2508.15494, 2410.18837, 2603.05691, 2208.10967"
FINE_GRAINED = "Adlam, Pennington: A fine-grained bias-variance decomposition (arXiv 2011.03321)"
HASTIE = "Hastie, Montanari, Rosset, Tibshirani: Surprises in high-dimensional ridgeless least squares (arXiv 1903.08560)"
LAZY_TRAINING = "Lazy training of wide networks, for the question of Zhu et al. (arXiv 2305.19377)"
MALLINAR = "Mallinar et al.: Benign, tempered, or catastrophic (arXiv 2207.06569)"
ADVANI_SAXE = "Advani, Saxe: High-dimensional dynamics of generalization error in neural networks (arXiv 1710.03667)"
ACCELERATED = "Li et al.: Risk bounds of accelerated SGD for overparameterized linear regression (arXiv 2311.14222)"
CLASS_IMBALANCE = "Class imbalance, for the question of Francazi, Baity-Jesi, Lucchi (arXiv 2207.00391)"
ONE_EPOCH = "One pass, many passes, scaling, for the question of Paquette et al. (arXiv 2405.15074)"
PHASES = "Paquette, Paquette, Xiao, Pennington: 4+3 phases of compute-optimal neural scaling laws (arXiv 2405.15074)"
ROBUSTNESS = "Bombari, Kiyani, Mondelli: Beyond the universal law of robustness (arXiv 2302.01629)"
MIXUP = "Zhang, Cisse, Dauphin, Lopez-Paz: mixup: beyond empirical risk minimization (arXiv 1710.09412)"
CUTMIX = "Yun et al.: CutMix: regularization strategy to train strong classifiers (arXiv 1905.04899)"
SMOOTHING = "Szegedy et al.: Rethinking the Inception architecture for computer vision (arXiv 1512.00567)"
COLLAPSE = "Model collapse, for the questions of arXiv 2402.07712, 2404.01413, 2410.04840"
OWN_ESTIMATORS = "Estimators written as expressions, for questions of arXiv 2508.15494, 2603.05691, 2203.05482, 2402.13999"
SKETCHED = "Chen, Zeng, Yang, Sun: Sketched ridgeless linear regression: the role of downsampling (arXiv 2302.01088)"
UNIVARIATE = "Joshi, Vardi, Srebro: Noisy interpolation learning with shallow univariate ReLU networks (arXiv 2307.15396)"
MORE_IS_BETTER = "Simon, Karkada, Ghosh, Belkin: More is Better (arXiv 2311.14646)"
MORISSET = "Morisset, Durmus, Hardy: Random feature regression with arbitrary augmentation (arXiv 2605.10290)"


@dataclass(frozen=True)
class Entry:
    """One figure: where it comes from and what it shows; the module of its name makes it.

    `mark`: "known" (or in part) where the parameters are the paper's, "ours" where not; `with_data`: what `--data` changes.
    """

    name: str
    paper: str
    shows: str
    mark: str
    with_data: str

    @property
    def arxiv(self) -> str:
        """Numbers on arXiv of the papers named."""
        return ", ".join(re.findall(r"\d{4}\.\d{4,5}", self.paper))


FIGURES = {
    entry.name: entry
    for entry in (
        Entry(
            "advani_saxe_double_descent",
            ADVANI_SAXE,
            "test error of linear networks against the number of samples, after five training times",
            "known",
            "",
        ),
        Entry(
            "advani_saxe_dynamics",
            ADVANI_SAXE,
            "test and training error along gradient flow, the best time to stop, the best ridge",
            "ours",
            "",
        ),
        Entry(
            "advani_saxe_spectra",
            ADVANI_SAXE,
            "eigenvalues of the input correlations against Marchenko-Pastur, and the learning curves they imply",
            "ours",
            "",
        ),
        Entry(
            "advani_saxe_stopping",
            ADVANI_SAXE,
            "best stopping time over signal-to-noise ratio and α, what it saves, what the best ridge saves beyond",
            "ours",
            "",
        ),
        Entry(
            "advani_saxe_initialisation",
            ADVANI_SAXE,
            "large initial weights: final error, the frozen subspace, error at the best stopping time",
            "ours",
            "",
        ),
        Entry(
            "advani_saxe_student_teacher",
            ADVANI_SAXE,
            "ReLU teacher and students: best and late error against hidden units, spectra of hidden units",
            "known in part",
            "",
        ),
        Entry(
            "advani_saxe_decomposition",
            ADVANI_SAXE,
            "approximation, null-space and over-fitting error of random-feature students of a ReLU teacher",
            "known in part",
            "",
        ),
        Entry(
            "more_is_better_features",
            MORE_IS_BETTER,
            "test and train error of Gaussian random features against k and against n, five ridges and the optimal one",
            "known",
            "",
        ),
        Entry(
            "more_is_better_fitting_ratio",
            MORE_IS_BETTER,
            "test error against the fitting ratio train/test along a ridge sweep, several label noises",
            "known with --data, ours without",
            "measured sweeps of CIFAR-10, SVHN, MNIST in place of the bundled digits",
        ),
        Entry(
            "more_is_better_spectra",
            MORE_IS_BETTER,
            "kernel eigenvalues, effective ridge κ(n) from 1/tr(K⁻¹) and from the eigenvalues, ridgeless test error",
            "known with --data, ours without",
            "measured spectra of four image kernels in place of the bundled digits",
        ),
        Entry(
            "more_is_better_maps",
            MORE_IS_BETTER,
            "heat maps of test and training error over samples and features, five ridges",
            "known",
            "",
        ),
        Entry(
            "more_is_better_ridge_sweep",
            MORE_IS_BETTER,
            "test and training error against the ridge and against each other, several label noises",
            "known with --data, ours without",
            "measured sweeps of CIFAR-10, SVHN, MNIST in place of the bundled digits",
        ),
        Entry(
            "more_is_better_relu",
            MORE_IS_BETTER,
            "random ReLU features of real images: error against features and against samples",
            "known with --data, ours without",
            "measured errors on CIFAR-10 in place of the bundled digits",
        ),
        Entry(
            "morisset_views",
            MORISSET,
            "test error of augmented random features against n/k, for 1, 2, 8 and infinitely many views of each sample",
            "ours",
            "",
        ),
        Entry(
            "morisset_strength",
            MORISSET,
            "test error against the strength of noise and masks, and the best strength against n and k",
            "ours",
            "",
        ),
        Entry(
            "morisset_digits",
            MORISSET,
            "predicted against measured test error: noise, masks, shifts, rotations, cutout and flips of real digits",
            "ours",
            "",
        ),
        Entry(
            "morisset_patterns",
            MORISSET,
            "where second moments of the views are not enough: gain, flip, cutout; moment form, pattern form, simulation",
            "ours",
            "",
        ),
        Entry(
            "morisset_ridge",
            MORISSET,
            "level sets of the test error over ridge and strength of noise or masks, one view and infinitely many",
            "ours",
            "",
        ),
        Entry(
            "augmentation_mixup",
            MIXUP,
            "mixup: test error against the concentration, for 1, 4 and infinitely many mixtures of each sample",
            "ours",
            "",
        ),
        Entry(
            "augmentation_cutmix",
            CUTMIX,
            "CutMix beside mixup on the bundled digits: test error against the concentration",
            "ours",
            "",
        ),
        Entry(
            "augmentation_label_smoothing",
            SMOOTHING,
            "label smoothing: test error against its amount, at several ridges and label noises",
            "ours",
            "",
        ),
        Entry(
            "augmentation_crop",
            MORISSET,
            "random crops of the bundled digits: test error against the size of the window",
            "ours",
            "",
        ),
        Entry(
            "augmentation_colour",
            MORISSET,
            "colour jitter and gray images: test error of digits in random colours",
            "ours",
            "",
        ),
        Entry(
            "augmentation_test_views",
            MORISSET,
            "augmentation at test time: test error of the mean over K views",
            "ours",
            "",
        ),
        Entry(
            "accelerated_sgd",
            ACCELERATED,
            "accelerated against plain SGD in one pass: decay rates, errors in large and small eigenvalues, label noise",
            "ours",
            "",
        ),
        Entry(
            "one_epoch",
            ONE_EPOCH,
            "test risk at equal compute: one pass, many passes, full batch; exponents in samples, features and steps",
            "ours",
            "",
        ),
        Entry(
            "scaling_laws",
            PHASES,
            "phases of one pass with their exponents, envelope of loss against compute, where a three-term fit misleads",
            "ours",
            "",
        ),
        Entry(
            "class_imbalance",
            CLASS_IMBALANCE,
            "test and training loss of a majority and a minority class: plain, balanced, normalised, stochastic descent",
            "ours",
            "",
        ),
        Entry(
            "zhou_cost",
            AGNOSTIC,
            "cost of overfitting, E0 and its effective-rank bound against n, three kinds of spectra",
            "ours",
            "",
        ),
        Entry(
            "zhou_sphere",
            AGNOSTIC,
            "E0 of a kernel on the sphere against log n / log d: multiple descent",
            "ours",
            "",
        ),
        Entry(
            "zhou_noise",
            AGNOSTIC,
            "cost of overfitting against label noise, up to pure noise",
            "ours",
            "",
        ),
        Entry(
            "zhou_phases",
            AGNOSTIC,
            "benign, tempered, catastrophic by the limit of k/r_k",
            "ours",
            "",
        ),
        Entry(
            "benign_bounds",
            BARTLETT,
            "excess risk of the minimum-norm interpolator between bounds by effective ranks",
            "ours",
            "",
        ),
        Entry(
            "benign_isotropic",
            HASTIE,
            "ridgeless least squares against parameters per sample, and what it costs",
            "known in part",
            "",
        ),
        Entry(
            "benign_misspecified",
            HASTIE,
            "least squares on a part of the inputs, at ridge 0 and the best ridge",
            "known in part",
            "",
        ),
        Entry(
            "benign_tuned",
            HASTIE,
            "the best ridge beside ridge 0, against parameters per sample",
            "known in part",
            "",
        ),
        Entry(
            "benign_regimes",
            MALLINAR,
            "three regimes: learning curves, and fits of noise on a circle",
            "ours",
            "",
        ),
        Entry(
            "benign_mixture",
            BENIGN_MIXTURE,
            "two classes with flipped labels: test error of interpolating classifiers against dimension",
            "ours",
            "",
        ),
        Entry(
            "benign_xor",
            BENIGN_XOR,
            "a ReLU network on XOR clusters: fits flipped labels in one step, generalises later; its neurons",
            "ours",
            "",
        ),
        Entry(
            "benign_xor_alignment",
            BENIGN_XOR,
            "XOR clusters from vanishing weights: chance after one step, aligned neurons after two",
            "ours",
            "",
        ),
        Entry(
            "benign_sparse",
            BENIGN_SPARSE,
            "least l1, least l2 and reparametrised interpolators, and the tuned lasso, against samples",
            "ours",
            "",
        ),
        Entry(
            "ensembles",
            FINE_GRAINED,
            "variance of random features by its origins, and ensembles against features and time",
            "ours",
            "",
        ),
        Entry(
            "stochastic_views",
            STOCHASTIC_VIEWS,
            "stochastic training in fresh and stored views, from random weights, at the best rates, with adapted momentum",
            "ours",
            "",
        ),
        Entry(
            "domain_mixtures",
            DOMAIN_MIXTURES,
            "what generated rows cost, the golden ratio of mixing, the best mixture against the price of rows",
            "ours",
            "",
        ),
        Entry(
            "domain_rows",
            DOMAIN_ROWS,
            "which rows help where: other distributions, unwanted and spurious features, missing modalities, wrong labels",
            "ours",
            "",
        ),
        Entry(
            "out_of_distribution",
            OUT_OF_DISTRIBUTION,
            "a threshold classifier on rows of another distribution: a few help, many harm, at the best weight none does",
            "known",
            "",
        ),
        Entry(
            "domain_stages",
            DOMAIN_STAGES,
            "forgetting in fine-tuning, weak teachers of strong students, rows from elsewhere",
            "ours",
            "",
        ),
        Entry(
            "model_collapse",
            COLLAPSE,
            "generations of models on labels by models: replaced, accumulated, mixed, with ridge, over-parametrised",
            "ours",
            "",
        ),
        Entry(
            "own_estimators",
            OWN_ESTIMATORS,
            "tuned and forgetful, taught by weaker, boosted, averaged, distilled, layered: six expressions",
            "ours",
            "",
        ),
        Entry(
            "losses_with_views",
            VIEWED_LOSSES,
            "logistic regression on views of its rows: errors beside the least possible, calibration, gains and flips",
            "ours",
            "",
        ),
        Entry(
            "robust_regression",
            ROBUST,
            "losses of the residual and laws of noise: outliers, the best threshold, the worst contamination",
            "known in part",
            "",
        ),
        Entry(
            "attacked_regression",
            ATTACKED,
            "least squares on rows that an attack may move: the peak it takes away, clean risk, risk under attack",
            "ours",
            "",
        ),
        Entry(
            "augmented_lasso",
            VIEWED_LASSO,
            "the lasso on noisy views of its rows, up to an elastic net: risk, coefficients found, false ones among them",
            "ours",
            "",
        ),
        Entry(
            "early_learning",
            EARLY_LEARNING,
            "a linear classifier along gradient flow: error on fresh rows, wrong labels that are fitted, training error",
            "ours",
            "",
        ),
        Entry(
            "sketched_ridgeless",
            SKETCHED,
            "ridgeless regression on orthogonal and independent sketches of the rows, isotropic and correlated inputs",
            "known in part",
            "",
        ),
        Entry(
            "lazy_training",
            LAZY_TRAINING,
            "what a random start costs a lazily trained network, with the humps of multiple descent",
            "ours",
            "",
        ),
        Entry(
            "benign_univariate",
            UNIVARIATE,
            "noise on a line: L1 and L2 risk of the least-norm ReLU interpolant and the linear spline against samples",
            "ours",
            "",
        ),
        Entry(
            "sensitivity",
            ROBUSTNESS,
            "gradients of random features that fit noise, against their number: four activations, tangent kernels",
            "known in part",
            "",
        ),
    )
}
