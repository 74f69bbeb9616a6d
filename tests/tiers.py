"""Which tests only the full tier runs: the slow ones, and further sizes and settings of what the quick tier runs once."""

__all__ = ["COLLECTED", "FULL", "is_full", "split"]

import pytest

# Of a session: all tests collected, before any is left out.
COLLECTED = pytest.StashKey[list]()

# file -> test -> the parameter sets of it that stay quick
FULL: dict[str, dict[str, tuple[str, ...]]] = {
    "tests/test_notebooks.py": {"test_notebook": ("cost_of_overfitting",)},
    "tests/test_cli.py": {
        "test_every_named_comparison_agrees": ("kernel-ridge", "double-descent", "digits-kernel"),
    },
    "tests/test_readme.py": {
        # of the rest each shows something else
        "test_block_runs": (
            'ax.figure.savefig("curve.png")', "print(best.ridge.values, best.test.value", "print(float(slope))",
            "print(rg.check(task, descent, n=100, tri", "print(rg.estimate_risk(views, y, ridge=1",
            "    print(weighting, curve.test[:, -1], ", "print(rg.univariate.spline_risk([1.0, 2.",
            "print(rg.adversarial_error(mixture, svm,", "print(parts.variance_data.values.round(3",
        ),
    },
    "tests/paper_figures/test_paper_figures.py": {
        "test_made_at_smoke_scale_and_drawn_from_its_files": (
            "advani_saxe_spectra-False", "advani_saxe_student_teacher-False", "more_is_better_fitting_ratio-False",
            "more_is_better_fitting_ratio-True", "more_is_better_spectra-True", "zhou_phases-False",
        ),
    },
    "tests/simulation/test_agreement.py": {
        "test_gaussian_settings": (
            "steep-noise0.5-n50-kinf-ridge0", "steep-noise0.5-n60-k150-ridge0.05", "flat-noise0.1-n60-k60-ridge0.3",
            "infinite-noise0.5-n50-k120-ridge0.01", "isotropic-noise0.5-n80-kinf-ridge5",
            "two-level-noise0.2-n60-k40-ridge0.1",
        ),
        "test_sphere": ("None-kernel0", "90-kernel1"),
        "test_real_digits": ("relu-features", "gaussian-kernel-noise"),
    },
    "tests/simulation/test_augmented_agreement.py": {
        "test_agreement": ("mask-minf-k300-ridge0.1", "noise-m2-k120-ridge0.2"),
        "test_views_at_test_time": ("1-Mask(keep=0.6, views=2)",),
    },
    "tests/simulation/test_augmented_digits.py": {
        "test_one_estimate_serves_every_n_ridge_and_number_of_views": (),
        "test_digits": ("mask-tanh",),
        "test_own_functions": (),
    },
    "tests/simulation/test_calibration.py": {"test_finite_size_error_is_of_order_one_over_n": ()},
    "tests/simulation/test_classifier_agreement.py": {
        "test_mixtures": ("square", "hinge imbalanced", "largest margin"),
        "test_teachers": ("logistic, logistic teacher",),
        "test_groups": ("reweighted",),
        "test_averaging": ("400-0.2",),
    },
    "tests/simulation/test_ensemble_agreement.py": {"test_ensembles": ("ridge",)},
    "tests/simulation/test_sgd_agreement.py": {
        "test_one_pass_without_allowance": ("descent-None", "accelerated-15"),
        "test_many_passes": ("over-parametrised, eight a batch", "features"),
    },
    "tests/simulation/test_sparse_fit.py": {
        "test_theory_and_simulation_agree": (),
        "test_rare_failures_fade_with_size": (),
    },
    "tests/simulation/test_student_teacher.py": {"test_seeds_are_shared_out_over_devices": ()},
    "tests/simulation/test_training_agreement.py": {
        "test_agreement": ("flow-kernel-decay", "descent-k40"),
        "test_digits": (),
    },
    "tests/simulation/test_trajectory.py": {
        "test_store": (),
        "test_order_and_dimensions": (),
        "test_real_examples_measured_on_the_rest": (),
        "test_limits": (),
        "test_features_given_the_rows_have_the_law_of_direct_ones": (),
        "test_new_settings_do_not_recompile": (),
    },
    "tests/simulation/test_views.py": {
        "test_real_inputs_and_their_coordinates_are_one": (),
        "test_dimensions": (),
    },
    "tests/theory/test_augmented_risk.py": {"test_pencil_against_dense_matrices": ()},
    "tests/theory/test_margin_classifier.py": {
        "test_two_hundred_random_settings_are_solved_or_said_to_have_no_solution": (),
        "test_square_loss_on_a_mixture_tends_to_ridge_regression_on_its_second_moments": (),
        "test_limits_of_the_ridge": (),
        "test_derivatives_are_those_of_differences": (),
    },
    "tests/theory/test_trajectory.py": {"test_matrices_and_eigen_coordinates_are_one": ()},
}  # fmt: skip


def is_full(node: str) -> bool:
    """Whether the test of this node id runs in the full tier only.

    >>> is_full("tests/test_notebooks.py::test_notebook[augmentation]"), is_full("tests/test_api.py::test_anything")
    (True, False)
    """
    path, _, name = node.partition("::")
    test, _, parameters = name.partition("[")
    return test in FULL.get(path, {}) and parameters.removesuffix("]") not in FULL[path][test]


def split(items: list, tier: str) -> tuple[list, list]:
    """The tests of a tier ("quick", "rest", or "full": both), and the others."""
    kept = {"quick": lambda item: not _marked(item), "rest": _marked, "full": lambda item: True}[tier]
    return [item for item in items if kept(item)], [item for item in items if not kept(item)]


def _marked(item) -> bool:
    return item.get_closest_marker("full") is not None
