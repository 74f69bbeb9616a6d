"""Which tests only the full tier runs: the slow ones, and further sizes and settings of what the quick tier runs once.

And for which programs are optimised.
"""

__all__ = ["COLLECTED", "FULL", "is_full", "is_unoptimised", "split"]

import pytest

# Of a session: all tests collected, before any is left out.
COLLECTED = pytest.StashKey[list]()

# XLA does not optimise the programs of tests, which compile in a third of the time and run up to three times as long.
# But of these, by how their ids begin, where batches or steps of networks run longer than they compile (six blocks:
# 100 s against 41), or where numbers are compared to the last digit.
OPTIMISED = (
    *(f"tests/test_readme.py::test_block_runs[{block}" for block in (
        "print(by_mode.bias_by_mode", "print(rg.check(task, rg.Learner(rg.OnePa", "one_pass_of_sgd",
        "dimension_adapted_momentum", "print(rg.check(xor, net",
    )),
    *(f"tests/test_cli.py::test_every_named_comparison_agrees[{name}" for name in ("mixed-", "several-", "fresh-")),
    "tests/paper_figures/test_paper_figures.py::test_made_at_smoke_scale_and_drawn_from_its_files[accelerated_sgd-",
    "tests/simulation/test_augmented_agreement.py::test_agreement[pepper-m8",
    "tests/simulation/test_multi_pass_sgd.py::test_the_whole_set_in_each_batch", "tests/simulation/test_one_pass_sgd.py",
    "tests/simulation/test_sgd_agreement.py", "tests/simulation/test_shapes.py::test_examples_on_the_host",
    "tests/simulation/test_several_devices.py",
    "tests/simulation/test_shapes.py::test_random_numbers",
    "tests/simulation/test_trajectory.py", "tests/systems/test_xor_network.py", "tests/systems/test_xor_verbs.py",
    "tests/theory/ridge/test_block_risk.py::test_no_augmentation_is_plain_regression",
)

# file -> test -> the parameter sets of it that stay quick
FULL: dict[str, dict[str, tuple[str, ...]]] = {
    "tests/algebra/test_expressions.py": {
        "test_printed_equations_are_those_that_are_solved": (),
    },
    "tests/curves/test_cells.py": {
        "test_an_interrupted_run_loses_nothing": ("ridge", "classes"),
        "test_an_interrupted_run_with_a_store_goes_on_later": ("sparse",),
    },
    "tests/curves/test_engines.py": {
        "test_a_killed_worker": (),
        "test_a_cluster_that_goes": (),
    },
    "tests/curves/test_store.py": {
        "test_what_was_not_written_is_set_aside": ("zeros", "another cell"),
        "test_merged_runs_are_one_of_all_trials": (),
        "test_commands_on_kept_runs": (),
    },
    "tests/domains/test_accuracy.py": {
        "test_drawn_rows": ("distilled",),
        "test_real_rows_used_elsewhere": (),
    },
    "tests/domains/test_domains.py": {
        "test_gaussian_sketches_are_weights": (),
        "test_batches_of_halves_are_those_of_the_whole": (),
        "test_against_the_dense_reference": ("False-15",),
        "test_one_domain_is_todays_curve": ("training0-names0-1e-12",),
        "test_one_domain_in_views_is_todays_curve": ("training0-views0",),
        "test_noise_by_domain_adds_up_along_training": (),
        "test_batches_of_one_domain_are_todays_curve": (),
        "test_simulation_agrees": ("concept shift, kernel",),
        "test_the_best_mixture": (),
        "test_the_golden_ratio_of_mixing": ("values0",),
        "test_every_derivative_is_one": (),
        "test_generated_rows_cost_what_the_closed_form_says": (),
    },
    "tests/domains/test_sequences.py": {
        "test_simulation_agrees": ("weak to strong, tuned",),
        "test_a_covariance_in_any_basis": (),
        "test_limits": (),
    },
    "tests/explorer/test_explore.py": {
        "test_flow_is_drawn_as_predict_has_it": (),
    },
    "tests/numerics/test_caller.py": {
        "test_a_warning_points_at_the_caller": ("predict", "network"),
    },
    "tests/paper_figures/test_paper_figures.py": {
        "test_made_at_smoke_scale_and_drawn_from_its_files": (
            "advani_saxe_spectra-False", "more_is_better_fitting_ratio-False", "more_is_better_fitting_ratio-True",
            "more_is_better_spectra-True",
        ),
    },
    "tests/problems/test_augmentations.py": {
        "TestMoments::test_labels": (),
        "TestMixupAsWeights::test_risk_of_mixed_rows_is_that_of_weighted_rows": (),
    },
    "tests/problems/test_kernels_on_gaussian_inputs.py": {
        "test_simulations": ("gauss",),
    },
    "tests/problems/test_every_input.py": {
        "test_is_accepted_for_a_reason": (),
    },
    "tests/simulation/test_adversarial_training.py": {
        "test_training_under_attack": ("linf-1.0-0.06",),
    },
    "tests/simulation/test_agreement.py": {
        "test_gaussian_settings": ("isotropic-noise0.5-n80-kinf-ridge5",),
        "test_real_digits": ("relu-features",),
        "test_sphere": ("90-kernel1",),
    },
    "tests/simulation/test_attacked_fit.py": {
        "test_either_kind_of_arrays": (),
    },
    "tests/simulation/test_augmented_agreement.py": {
        "test_agreement": ("noise-m2-k120-ridge0.2",),
        "test_composition_and_sometimes": (),
        "test_forms_are_said_and_can_be_forced": (),
        "test_views_at_test_time": ("1-Mask(keep=0.6, views=2)",),
    },
    "tests/simulation/test_augmented_digits.py": {
        "test_digits": (),
        "test_one_estimate_serves_every_n_ridge_and_number_of_views": (),
        "test_own_functions": (),
    },
    "tests/simulation/test_calibration.py": {
        "test_a_theory_five_percent_off_fails": (),
        "test_bias_and_variance_are_unbiased": (),
        "test_finite_size_error_is_of_order_one_over_n": (),
        "test_scores_are_standard_normal": (),
    },
    "tests/simulation/test_classifier_agreement.py": {
        "test_averaging": ("400-0.2",),
        "test_groups": (),
        "test_mixtures": ("square",),
        "test_teachers": ("logistic, logistic teacher",),
    },
    "tests/simulation/test_classifier_runs.py": {
        "test_draws_have_the_announced_law": (),
    },
    "tests/simulation/test_ensemble_agreement.py": {
        "test_ensembles": ("ridge",),
    },
    "tests/simulation/test_fits.py": {
        "test_conditional_and_direct_draws_have_one_law": (),
    },
    "tests/simulation/test_gaussian_inputs.py": {
        "test_what_separates_them_shrinks_like_one_over_d": (),
    },
    "tests/systems/test_kernel_classifier.py": {
        "test_theory_and_simulation_agree_through_the_verbs": (),
        "test_within_one_per_cent": ("100-200",),
        "test_flow_within_one_per_cent": (),
        "test_what_few_dimensions_leave_is_granted": (),
    },
    "tests/systems/test_lazy_network.py": {
        "test_gaussian_start_along_training": (),
        "test_real_network_as_start": ("1-120-1000-40", "2-120-400-30"),
        "test_same_samples_with_and_without_a_start": (),
        "test_trials_do_not_depend_on_their_number": (),
        "test_linearised_network": ("kernel1",),
    },
    "tests/simulation/test_margin_fit.py": {
        "test_gradient_of_the_smoothed_hinge_vanishes": ("more rows",),
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
        "test_inseparable": ("False",),
        "test_gradient_vanishes": ("squared_hinge-many rows-0.05-True",),
    },
    "tests/simulation/test_multi_pass_sgd.py": {
        "test_inputs_drawn_as_points": (),
        "test_features_given_the_rows_have_the_law_of_direct_ones": (),
        "test_simulation_is_steps_by_hand": ("training1-45-60",),
    },
    "tests/simulation/test_one_pass_sgd.py": {
        "test_features_have_the_law_of_rows_times_weights": ("15",),
        "test_grouping_of_runs_is_unseen": (),
        "test_runs_are_steps_by_hand_and_have_the_exact_moments": ("accelerated",),
        "test_unresolved_modes_are_noise_to_the_labels": ("30",),
        "test_real_examples_and_features_by_hand": ("False-50",),
    },
    "tests/simulation/test_memory.py": {
        "test_the_peak_is_within_the_plan": (),
    },
    "tests/simulation/test_several_devices.py": {
        "test_programs_of_accelerators_on_four_devices": (),
        "test_one_device_has_the_same_numbers": (),
        "test_blocks_of_rows": ("None",),
        "test_one_trial_on_four_devices": (),
    },
    "tests/simulation/test_sgd_agreement.py": {
        "test_fresh_views_on_features": (),
        "test_fresh_views_without_allowance": ("mask",),
        "test_many_passes": (),
        "test_one_pass_without_allowance": ("descent-None",),
    },
    "tests/simulation/test_shapes.py": {
        "test_a_grid_compiles_few_programs": ("training1",),
        "test_a_grid_of_fits_compiles_few_programs": ("lasso",),
        "test_any_way_to_draw_compiles_few_programs": ("views",),
        "test_classifiers_on_the_host_are_those_on_the_device": ("hinge-mixture",),
        "test_random_numbers_are_those_of_jax": (),
        "test_sparse_fits_on_the_host_are_those_on_the_device": ("lasso-20",),
        "test_the_host_draws_what_the_device_draws": (),
        "test_the_host_finds_what_the_device_finds": (),
    },
    "tests/systems/test_naive_bayes.py": {
        "test_theory_and_simulation_agree": ("naive",),
    },
    "tests/systems/test_sparse_fit.py": {
        "test_rare_failures_fade_with_size": (),
        "test_theory_and_simulation_agree": (),
    },
    "tests/systems/test_student_teacher.py": {
        "test_seeds_are_shared_out_over_devices": (),
        "test_random_features_against_explicit_descent": (),
    },
    "tests/simulation/test_training_agreement.py": {
        "test_agreement": ("flow-kernel-decay", "descent-k40"),
        "test_digits": (),
    },
    "tests/simulation/test_trajectory.py": {
        "test_an_unresolved_tail_acts_by_its_trace": ("6",),
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
        "test_variances_of_levels": (),
    },
    "tests/simulation/test_views.py": {
        "test_dimensions": (),
        "test_many_views_tend_to_the_limit": ("<lambda>2",),
        "test_real_inputs_and_their_coordinates_are_one": (),
        "test_real_inputs_unchanged": ("3",),
        "test_single_precision": (),
        "test_store_and_memory": (),
        "test_many_test_views_are_their_mean": (),
        "test_predictions_are_averaged_over_test_views": ("1",),
        "test_rows_are_the_objective_of_scikit_learns_weighted_ridge": ("augmentation1",),
    },
    "tests/systems/test_xor_network.py": {
        "test_descent_written_out": (),
        "test_first_step_agrees_with_theory": ("(200, 4000, 1000, 15.0, 0.01, 2e-05, 0.15)",),
        "test_the_first_step_is_no_linear_classifier_until_init_vanishes": (),
        "test_two_devices_give_the_same_numbers": (),
        "test_neurons_of_the_first_two_steps": (),
        "test_points_drawn_in_few_directions_have_the_law_of_all": (),
    },
    "tests/test_a_day.py": {
        "test_maps_stay_bounded_and_numbers_finite": (),
    },
    "tests/test_classifying.py": {
        "test_attacks": (),
        "test_dimensions_variables_and_attributes": (),
        "test_attacks_of_very_many_features_are_those_of_inputs": (),
        "test_groups_teachers_and_attacks": ("spurious", "teacher, attack, features", "teacher, linf attack"),
        "test_logistic_loss_without_ridge_is_the_largest_margin_where_classes_are_separable": (),
        "test_radius_zero_is_no_attack": (),
        "test_solves_are_fast_after_compilation": (),
        "test_theory_and_simulation_agree": (
            "Ridge(ridge=5, intercept=True)", "SquaredHinge(ridge=5, intercept=True)", "LDA()",
        ),
        "test_two_covariances_and_the_largest_margin": (),
    },
    "tests/test_compositions.py": {
        "test_a_fifth_of_the_cells_is_what_the_documentation_says": (),
        "test_served_cells_run": (),
    },
    "tests/theory/classification/test_along_training.py": {
        "test_agreement": ("stream",), "test_first_step_and_end": (), "test_one_class_of_mean_zero_on_rows": (),
        "test_wrong_labels_are_remembered_late": (),
    },
    "tests/theory/classification/test_seen_along_training.py": {
        "test_the_end_is_the_square_loss_on_views": (), "test_theory_and_simulation_agree": (),
    },
    "tests/theory/classification/test_rules_on_views.py": {
        "test_averages_of_views_are_a_closed_form": (),
        "test_bags_of_averages_agree": (),
        "test_drawn_views_agree": (),
    },
    "tests/theory/classification/test_members_on_views.py": {
        "test_square_loss_on_a_teacher_is_ridge_regression": (),
        "test_theory_and_simulation_agree": (),
    },
    "tests/theory/classification/test_resampled.py": {
        "test_limits_of_members": (),
        "test_several_members_and_settings_are_dimensions": (),
        "test_square_loss_on_a_teacher_is_bagged_ridge_regression": (),
        "test_theory_and_simulation_agree": ("bags",),
    },
    "tests/test_cli.py": {
        "test_comparisons_in_processes_say_what_one_process_says": (),
        "test_every_named_comparison_agrees": ("kernel-ridge", "double-descent", "digits-kernel"),
    },
    "tests/test_finite_size.py": {
        "test_a_wrong_theory_never_agrees": ("38-0.5", "40-2.0"),
        "test_signs_on_the_sphere_by_dimension": ("4",),
        "test_size_of_the_error_that_was_measured": ("exp",),
    },
    "tests/theory/compiled/test_referees.py": {
        "test_real_nonlinear_features": (),
        "test_sources_of_variance_have_a_referee": (),
    },
    "tests/theory/compiled/test_compiled.py": {
        "test_the_engine_has_an_independent_referee": ("features",),
        "test_derivatives": (),
        "test_second_derivatives": (),
    },
    "tests/theory/ridge/test_negative_ridge.py": {
        "test_continuous_and_smooth_at_0": ("60.0-20.0",),
        "test_simulation_agrees": ("spiked, kernel",),
    },
    "tests/test_reported_cases.py": {
        "test_the_best_mixtures_are_no_worse_than_a_grid": (),
    },
    "tests/test_verbs_that_failed.py": {
        "test_optimal_augmentation_whose_best_is_at_an_end": (),
        "test_optimal_stopping_of_augmented_data": (),
    },
    "tests/systems/test_xor_verbs.py": {
        "test_dimensions_and_attributes": (),
    },
    "tests/test_diagnosing.py": {
        "test_units_of_a_run_on_a_task": ("not divided by the root", "noise left out"),
        "test_units_of_ones_own_run": ("ridge multiplied by n",),
    },
    "tests/test_testing.py": {
        "test_a_mistake_is_named": (
            "the ridge multiplied by n", "labels not centred: a mean of 1", "the training error", "the square of the noise",
        ),
        "test_a_right_run_passes": ("kernel",),
        "test_right_draws_fail_at_the_stated_level": (),
    },
    "tests/test_notebooks.py": {
        "test_notebook": (),
    },
    "tests/test_programs.py": {
        "test_a_first_call_compiles_no_more_than_the_table_says": ("predict, ridge", "predict, flow", "simulate, ridge"),
        "test_a_sweep_compiles_nothing_new": ("ridge: n", "ridge: noise", "hinge: ridge", "simulate: n"),
    },
    "tests/test_readme.py": {
        "test_block_runs": (
            'ax.figure.savefig("curve.png")', "print(float(slope))",
            "print(rg.check(task, descent, n=100, tri", "print(rg.estimate_risk(views, y, ridge=1",
            "    print(weighting, curve.test[:, -1], ", "print(rg.univariate.spline_risk([1.0, 2.",
            "estimate_risk", "learning_curve", "ridge_regression", "descent_on_unequal_classes", "fine_grained_variance",
        ),
    },
    "tests/systems/test_sparse_verbs.py": {
        "test_dimensions_variables_and_attributes": (),
    },
    "tests/test_own_data.py": {
        "test_alarms_are_few_and_no_large_gap_is_silent": (),
        "test_intervals_cover_and_ridges_lose_little": (),
    },
    "tests/theory/ridge/test_block_risk.py": {
        "test_laws_of_patterns_against_loops": ("flip-3", "cutout-None"),
        "test_pencil_against_dense_matrices": (),
    },
    "tests/theory/ridge/test_derivatives.py": {
        "test_at_ridge_zero": ("30.0-45.0",),
    },
    "tests/theory/ridge/test_ensemble.py": {
        "test_both_engines_agree_on_what_two_models_share": ("60-150-0.05", "37-200-0.0"),
    },
    "tests/systems/test_isotropic_flow_theory.py": {
        "test_sampled_linear_networks": ("0.5", "1.0"),
    },
    "tests/theory/ridge/test_held_out_bags.py": {
        "test_simulations_agree": (),
    },
    "tests/theory/ridge/test_held_out_rows.py": {
        "test_derivatives_at_the_ends": (),
        "test_simulations_agree": ("kernel",),
        "test_the_best_strength_of_views": (),
    },
    "tests/theory/ridge/test_held_out_views.py": {
        "test_means_in_proportion_are_those_of_eigen_coordinates": ("clean", "views"),
        "test_endlessly_many_examples_are_independent_rows": (),
        "test_simulations_agree": (),
        "test_real_images_agree": (),
        "test_smoothed_labels_of_eigen_coordinates_agree": (),
    },
    "tests/theory/ridge/test_limits.py": {
        "test_infinitely_many_modes_are_the_limit_of_many": (),
    },
    "tests/theory/classification/test_margin.py": {
        "test_adversarial_training_lowers_the_error_it_trains_for": (),
        "test_bayes_is_reached_with_many_samples": (),
        "test_closed_forms_of_averaging_and_discriminant": (),
        "test_derivatives_are_those_of_differences": (),
        "test_groups_split_scale_and_swap": (),
        "test_groups_without_rows_are_tested_on": (),
        "test_hard_margins_exist_where_the_threshold_says": (),
        "test_labels_of_a_teacher_separate_where_the_threshold_says": (),
        "test_limits_of_the_ridge": (),
        "test_margins_of_training_rows": (),
        "test_square_loss_on_a_mixture_tends_to_ridge_regression_on_its_second_moments": (),
        "test_the_objective_changes_with_the_ridge_by_half_the_norm_and_with_a_weight_by_the_loss": ("50.0-hinge",),
        "test_two_hundred_random_settings_are_solved_or_said_to_have_no_solution": (),
        "test_smoothed_hinge_lies_between_the_hinge_and_its_square": (),
    },
    "tests/systems/test_attacked.py": {
        "test_no_attack_is_ridge_regression": (),
        "test_endless_rows_see_the_population": (),
        "test_theory_and_simulation_agree": (),
        "test_a_strong_attack_leaves_no_weights": (),
    },
    "tests/theory/classification/test_attacked_views.py": {
        "test_drawn_views_agree": (),
        "test_no_attack_is_training_on_views": (),
        "test_one_noisy_view_is_a_row_of_a_larger_covariance": ("linf-hinge-0.03",),
    },
    "tests/theory/classification/test_mixed.py": {
        "test_drawn_pairs_agree": (),
        "test_square_loss_is_ridge_regression_at_a_larger_ridge": (),
        "test_weights_of_nought_and_one_are_clean_rows": (),
        "test_what_a_plain_code_says": (),
    },
    "tests/theory/classification/test_patterned.py": {
        "test_drawn_views_agree": (),
        "test_square_loss_on_a_teacher_is_ridge_regression_on_views": (),
    },
    "tests/theory/classification/test_viewed.py": {
        "test_calibration_of_probabilities_agrees": (),
        "test_corrected_intervals_cover_and_corrected_p_values_are_level": (),
        "test_drawn_views_agree": (),
        "test_more_views_lie_between_one_and_all": (),
        "test_square_loss_on_a_teacher_is_ridge_regression_on_views": (),
        "test_temperature_of_two_balanced_classes_is_a_closed_form": (),
    },
    "tests/simulation/test_visits.py": {
        "test_random_starts": (),
        "test_ensembles": (),
        "test_many_passes_in_views": ("mask",),
        "test_samples_of_ones_own": (),
    },
    "tests/simulation/test_input_visits.py": {
        "test_a_stream_without_replacement_sees_each_example_once": (),
        "test_bags_of_fresh_views_are_bags": (),
        "test_infinitely_many_views_are_the_limit_of_many": ("bag", "blocks of inputs"),
        "test_members_of_one_stream": (),
        "test_views_that_change_nothing_are_none": ("accelerated",),
    },
    "tests/theory/sgd/test_schedules.py": {
        "test_a_capped_schedule_with_momentum_is_predicted_and_cannot_be_improved": (),
        "test_known_numbers_and_the_limit_of_continuous_time": ("exponents0",),
    },
    "tests/theory/sgd/test_visits.py": {
        "test_losses_of_groups_at_one_view_are_one": ("inf",),
        "test_endless_views_of_a_visit_scatter_least": (),
        "test_endless_stored_views_are_fresh_ones": (),
        "test_the_critical_rate_of_factors": (),
        "test_samples_drawn_in_views": (),
        "test_the_best_step_of_resampled_sets": (),
    },
    "tests/theory/sgd/test_multi_pass.py": {
        "test_a_thousand_steps_take_less_than_two_seconds": (),
        "test_another_contour_changes_nothing": (),
        "test_exact_moments_given_the_data": ("160-40-1.2-4",),
        "test_infinite_batches_are_full_batch_descent": ("60-3.0-descent",),
        "test_unstable_settings_grow_as_reported": ("training1",),
        "test_where_it_comes_to_rest": (
            "300-None-0.0-0.0", "300-None-0.0-2.0", "60-None-0.0-0.0", "60-None-0.0-2.0", "40-60-0.0-0.0", "40-60-0.0-2.0",
        ),
        "test_infinitely_many_samples_are_one_pass": ("60-descent",),
    },
    "tests/theory/sgd/test_one_pass.py": {
        "test_random_features_against_draws_of_them": ("60-training0",),
        "test_unstable_settings_grow_as_reported": ("None-training2", "30-training2"),
    },
    "tests/theory/overfitting/test_cost.py": {
        "test_beyond_what_the_tail_resolves_is_not_a_number": (),
        "test_exponential": (),
        "test_multiple_descent_on_the_sphere": (),
        "test_pure_noise_costs_the_coefficient": ("power", "isotropic", "outside the span", "eigenvalue zero"),
        "test_outputs_kept_or_summed": (),
        "test_optimised_over_the_ridge_too": (),
    },
    "tests/theory/overfitting/test_overfitting_of_real_kernels.py": {
        "test_digits": (),
    },
    "tests/theory/estimation/test_risk_estimators.py": {
        "test_the_error_of_pure_noise": (),
        "test_unbiased_and_of_the_predicted_error": ("50-0.0-None", "50-0.05-None", "120-0.0-80", "120-0.05-80"),
        "test_views_estimate_the_clean_risk": (),
    },
    "tests/theory/estimation/test_scaling_law.py": {
        "test_intervals_cover": (),
        "test_short_runs_say_that_noise_is_not_identified": (),
        "test_two_batches_tell_an_offset_from_noise": (),
        "test_a_fit_and_the_three_terms_beside_it": (),
    },
    "tests/theory/sgd/test_step_transform.py": {
        "test_exponents_of_the_phases": ("pair1", "pair2", "pair4"),
        "test_the_recursion_over_steps": ("infinite",),
    },
    "tests/theory/overfitting/test_scaling_exponents.py": {
        "test_early_stopping_does_not_saturate": (),
    },
    "tests/theory/sgd/test_sgd_extremes.py": {
        "test_huge_rates_are_infinite_and_break_nothing": (),
    },
    "tests/systems/test_state_evolution.py": {
        "test_derivatives_are_those_of_differences": (),
        "test_extremes": ("l1", "l2"),
    },
    "tests/test_fuzz.py": {
        "test_random_expressions": (),
        "test_random_rows": (),
        "test_random_tasks": (),
    },
    "tests/test_numbers_that_were_wrong.py": {
        "test_late_times_without_noise": ("flow",),
        "test_no_risk_is_below_zero": (),
        "test_ridge_0_of_equal_views_of_real_inputs": (),
        "test_stopping_without_noise_goes_to_the_end": (),
        "test_the_latest_times_at_a_peak": ("n = features",),
        "test_views_do_not_depend_on_their_company": (),
    },
    "tests/theory/dynamics/test_trajectory.py": {
        "test_edge_of_stability": (),
        "test_isotropic_flow_is_the_quadrature_over_eigenvalues": ("0.5-0.9", "5.0-0.2", "5.0-1.3"),
        "test_limits": ("50-60", "120-None", "120-300", "700-120"),
        "test_matrices_and_eigen_coordinates_are_one": (),
        "test_optimal_stopping": (),
        "test_small_steps_are_the_flow_and_no_momentum_is_descent": (),
        "test_twice_the_nodes_change_nothing": (
            "GradientFlow(time=[0.02, 0.7, ..., 100000]) 100 60 1.2 None",
            "GradientFlow(time=[0.02, 0.7, ..., 100000], ridge=3, initial_variance=0.2) 90 None 1.4 Gain",
            "HeavyBall(rate=0.2, momentum=0.4, steps=[1, 2, ..., 1000000]) 300 None 1.4 None",
            "Nesterov(rate=0.2, steps=[1, 20, 60]) 200 80 1.4 None",
        ),
    },
    "tests/test_tiers.py": {
        "test_the_two_tiers_are_the_whole": (),
    },
    "tests/numerics/test_program_cache.py": {
        "test_four_processes_write_at_once": (),
    },
    "tests/equivalents/test_blocks.py": {
        "test_patterns_against_loops": ("3-2",),
    },
    "tests/problems/test_kernels_of_inputs.py": {
        "test_gradients": ("NTK(depth=2, bias=0.3)", "LaplaceKernel(bandwidth=0.7)"),
    },
    "tests/test_optimal_ridge_of_views.py": {
        "test_nothing_on_a_fine_grid_is_better": ("masks of features",),
        "test_noise_in_all_views_is_a_part_of_the_ridge": (),
    },
    "tests/systems/test_sparse_views.py": {
        "test_shrinkage_is_the_ridge_engine_on_views": ("gain and noise",),
        "test_theory_and_simulation_agree": (),
        "test_limits": (),
        "test_strengths_are_dimensions": (),
        "test_infinitely_many_noisy_views_are_the_elastic_net": (),
    },
    "tests/systems/test_sparse_bags.py": {
        "test_a_share_of_the_rows_is_fewer_rows": (),
        "test_shrinkage_is_the_ridge_engine_on_bags": (),
        "test_basis_pursuit_of_features": (),
        "test_shrinkage_is_the_ridge_engine_on_features": (),
        "test_simulated_ensembles_are_those_of_ridge_regression": (),
        "test_theory_and_simulation_agree": (),
        "test_weights_of_what_is_interpolated_do_not_matter": (),
    },
    "tests/systems/test_robust_bags.py": {
        "test_a_large_threshold_is_ridge_regression_on_bags": (),
        "test_a_share_of_the_rows_is_fewer_rows": (),
        "test_theory_and_simulation_agree": (),
    },
    "tests/systems/test_labelled_bags.py": {
        "test_a_share_of_the_rows_is_fewer_rows": (),
        "test_theory_and_simulation_agree": (),
    },
    "tests/systems/test_robust_views.py": {
        "test_a_large_threshold_is_ridge_regression_on_views": (),
        "test_theory_and_simulation_agree": (),
        "test_squares_under_noise_of_any_law_are_those_of_normal_noise": (),
    },
    "tests/systems/test_robust.py": {
        "test_as_many_rows_as_weights_have_no_finite_risk": (),
        "test_a_large_threshold_is_ridge_regression": (),
        "test_absolute_deviations_beat_squares_below_a_ratio": (),
        "test_nothing_is_below_what_is_possible": (),
        "test_the_best_threshold_against_the_worst_contamination": (),
        "test_theory_and_simulation_agree": (),
    },
    "tests/systems/test_labelled_features.py": {
        "test_biased_teachers_and_simulation_agree": (),
        "test_classes_turned_about_are_those_of_a_mixture": (),
        "test_digits": (),
        "test_digits_with_pixel_noise": (),
        "test_normal_rows_are_a_teachers": (),
        "test_what_features_do_not_tell_is_probit_noise": (),
    },
    "tests/theory/bayes/test_best.py": {
        "test_no_ridge_is_better_than_the_best": ("probit",),
    },
    "tests/paper_figures/test_command_line.py": {
        "test_a_figure_is_changed_sized_styled_and_made_once": (),
        "test_a_killed_make_continues_from_what_it_had": (),
        "test_several_figures_are_made_at_once": (),
    },
}


def is_full(node: str) -> bool:
    """Whether the test of this node id runs in the full tier only.

    >>> is_full("tests/test_notebooks.py::test_notebook[augmentation]"), is_full("tests/test_api.py::test_anything")
    (True, False)
    """
    path, _, name = node.partition("::")
    test, _, parameters = name.partition("[")
    return test in FULL.get(path, {}) and parameters.removesuffix("]") not in FULL[path][test]


def is_unoptimised(node: str) -> bool:
    """Whether XLA compiles the programs of the test of this node id without optimising them."""
    return not node.startswith(OPTIMISED)


def split(items: list, tier: str) -> tuple[list, list]:
    """The tests of a tier ("quick", "rest", or "full": both), and the others."""
    kept = {"quick": lambda item: not _marked(item), "rest": _marked, "full": lambda item: True}[tier]
    return [item for item in items if kept(item)], [item for item in items if not kept(item)]


def _marked(item) -> bool:
    return item.get_closest_marker("full") is not None
