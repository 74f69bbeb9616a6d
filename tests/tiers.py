"""Which tests only the full tier runs: the slow ones, and further sizes and settings of what the quick tier runs once."""

__all__ = ["COLLECTED", "FULL", "is_full", "split"]

import pytest

# Of a session: all tests collected, before any is left out.
COLLECTED = pytest.StashKey[list]()

# file -> test -> the parameter sets of it that stay quick
FULL: dict[str, dict[str, tuple[str, ...]]] = {
    "tests/paper_figures/test_paper_figures.py": {
        "test_made_at_smoke_scale_and_drawn_from_its_files": (
            "advani_saxe_spectra-False", "advani_saxe_student_teacher-False", "more_is_better_fitting_ratio-False",
            "more_is_better_fitting_ratio-True", "more_is_better_spectra-True", "zhou_phases-False",
        ),
    },
    "tests/simulation/test_agreement.py": {
        "test_gaussian_settings": (
            "steep-noise0.5-n60-k150-ridge0.05", "flat-noise0.1-n60-k60-ridge0.3", "isotropic-noise0.5-n80-kinf-ridge5",
        ),
        "test_real_digits": ("relu-features", "gaussian-kernel-noise"),
        "test_sphere": ("90-kernel1",),
    },
    "tests/simulation/test_augmented_agreement.py": {
        "test_agreement": ("mask-minf-k300-ridge0.1", "noise-m2-k120-ridge0.2"),
        "test_views_at_test_time": ("1-Mask(keep=0.6, views=2)",),
    },
    "tests/simulation/test_augmented_digits.py": {
        "test_digits": ("mask-tanh",),
        "test_one_estimate_serves_every_n_ridge_and_number_of_views": (),
        "test_own_functions": (),
    },
    "tests/simulation/test_calibration.py": {
        "test_finite_size_error_is_of_order_one_over_n": (),
    },
    "tests/simulation/test_classifier_agreement.py": {
        "test_averaging": ("400-0.2",),
        "test_groups": ("reweighted",),
        "test_mixtures": ("square", "hinge imbalanced"),
        "test_teachers": ("logistic, logistic teacher",),
    },
    "tests/simulation/test_ensemble_agreement.py": {
        "test_ensembles": ("ridge",),
    },
    "tests/simulation/test_margin_fit.py": {
        "test_hard_margin": ("fewer rows-True", "many rows-False"),
        "test_optimality_of_the_dual": (
            "hinge-more rows-False", "squared hinge-fewer rows-False", "squared hinge-many rows-True",
            "hard margin-more rows-True",
        ),
        "test_ridges_and_sets_are_batched": (),
        "test_rows_twice_are_weights_twice": (
            "square-many rows-False", "logistic-many rows-True", "squared_hinge-fewer rows-False",
            "hard_margin-fewer rows-True",
        ),
        "test_scikit_learn": ("fewer rows-0.05-True", "more rows-0.05-False", "more rows-3.0-True", "many rows-3.0-False"),
    },
    "tests/simulation/test_sgd_agreement.py": {
        "test_many_passes": ("features",),
        "test_one_pass_without_allowance": ("descent-None", "accelerated-15"),
    },
    "tests/simulation/test_sparse_fit.py": {
        "test_rare_failures_fade_with_size": (),
        "test_theory_and_simulation_agree": (),
    },
    "tests/simulation/test_student_teacher.py": {
        "test_seeds_are_shared_out_over_devices": (),
    },
    "tests/simulation/test_training_agreement.py": {
        "test_agreement": ("flow-kernel-decay", "descent-k40"),
        "test_digits": (),
    },
    "tests/simulation/test_trajectory.py": {
        "test_augmented_simulation_is_steps_by_hand": (
            "GradientFlow-0-augmentation1-None", "Nesterov-4-augmentation1-None",
        ),
        "test_features_given_the_rows_have_the_law_of_direct_ones": (),
        "test_limits": (),
        "test_new_settings_do_not_recompile": (),
        "test_order_and_dimensions": (),
        "test_real_examples_measured_on_the_rest": (),
        "test_simulation_is_steps_by_hand": ("0-2", "2-2", "3-0", "5-0"),
        "test_store": (),
    },
    "tests/simulation/test_views.py": {
        "test_dimensions": (),
        "test_many_views_tend_to_the_limit": ("<lambda>2", "<lambda>6"),
        "test_real_inputs_and_their_coordinates_are_one": (),
        "test_real_inputs_unchanged": ("3",),
        "test_single_precision": (),
        "test_store_and_memory": (),
    },
    "tests/simulation/test_xor_network.py": {
        "test_first_step_agrees_with_theory": (
            "(400, 2000, 1000, 10.0, 0.02, 0.001, 0.1)", "(200, 4000, 1000, 15.0, 0.01, 2e-05, 0.15)",
        ),
        "test_the_first_step_is_no_linear_classifier_until_init_vanishes": (),
    },
    "tests/test_classifying.py": {
        "test_theory_and_simulation_agree": (
            "Ridge(ridge=5, intercept=True)", "SquaredHinge(ridge=5, intercept=True)", "LDA()",
        ),
    },
    "tests/test_cli.py": {
        "test_every_named_comparison_agrees": ("kernel-ridge", "double-descent", "digits-kernel"),
    },
    "tests/test_notebooks.py": {
        "test_notebook": ("cost_of_overfitting",),
    },
    "tests/test_readme.py": {
        "test_block_runs": (
            'ax.figure.savefig("curve.png")', "print(best.ridge.values, best.test.value", "print(float(slope))",
            "print(rg.check(task, descent, n=100, tri", "print(rg.estimate_risk(views, y, ridge=1",
            "    print(weighting, curve.test[:, -1], ", "print(rg.univariate.spline_risk([1.0, 2.",
            "print(rg.adversarial_error(mixture, svm,", "print(parts.variance_data.values.round(3",
        ),
    },
    "tests/theory/test_augmented_risk.py": {
        "test_laws_of_patterns_against_loops": ("flip-3", "cutout-None"),
        "test_pencil_against_dense_matrices": (),
    },
    "tests/theory/test_ensemble.py": {
        "test_both_engines_agree_on_what_two_models_share": ("60-150-0.05", "37-200-0.0"),
    },
    "tests/theory/test_margin_classifier.py": {
        "test_adversarial_training_lowers_the_error_it_trains_for": (),
        "test_derivatives_are_those_of_differences": (),
        "test_groups_split_scale_and_swap": (),
        "test_groups_without_rows_are_tested_on": (),
        "test_limits_of_the_ridge": (),
        "test_margins_of_training_rows": (),
        "test_square_loss_on_a_mixture_tends_to_ridge_regression_on_its_second_moments": (),
        "test_the_objective_changes_with_the_ridge_by_half_the_norm_and_with_a_weight_by_the_loss": (
            "inf-hinge", "50.0-hinge",
        ),
        "test_two_hundred_random_settings_are_solved_or_said_to_have_no_solution": (),
    },
    "tests/theory/test_multi_pass_sgd.py": {
        "test_infinite_batches_are_full_batch_descent": ("None-0.0-nesterov", "60-3.0-descent"),
        "test_unstable_settings_grow_as_reported": ("training1",),
    },
    "tests/theory/test_one_pass_sgd.py": {
        "test_unstable_settings_grow_as_reported": ("None-training2", "30-training2"),
    },
    "tests/theory/test_trajectory.py": {
        "test_isotropic_flow_is_the_quadrature_over_eigenvalues": ("0.5-0.9", "5.0-0.2", "5.0-1.3"),
        "test_limits": ("50-60", "120-None", "120-300", "700-120"),
        "test_matrices_and_eigen_coordinates_are_one": (),
        "test_twice_the_nodes_change_nothing": (
            "GradientFlow(time=[0.02, 0.7, ..., 100000]) 100 60 1.2 None", "name15",
            "HeavyBall(rate=0.2, momentum=0.4, steps=[1, 2, ..., 1e+06]) 300 None 1.4 None",
            "Nesterov(rate=0.2, steps=[1, 20, 60]) 200 80 1.4 None",
        ),
    },
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
