"""Exact curves, one per file in rooms named after the field: pure functions, most of them for scalars and traceable."""

__all__ = [
    "AugmentedProblem", "AugmentedRisk", "BenignBounds", "BestStrength", "ClassTraining", "ComputeOptimal",
    "DomainDerivatives", "DomainProblem", "DomainRisk", "EffectiveRankBound", "EffectiveRanks", "FeatureModes",
    "Filter", "HeldOutRisk", "Iteration", "Learnability", "LinfClassifier", "LogisticLikelihood", "MarginClassifier",
    "MultiPassCurve", "OnePassCurve", "OptimalRidge", "OverfittingCost", "PowerLawFitting", "Risk", "RiskEstimators",
    "Stability", "StepTransform", "Stopping", "SubsampleRisk", "TeacherClassifier", "TeacherMoments", "Trajectory",
    "Verdict", "ViewedClassifier", "WeightLaw", "adversarial_error", "augmented_modes", "augmented_risk", "averaging",
    "benign_bounds", "chain_risks", "collapse_excess", "compute_optimal", "discriminant", "domain_derivatives",
    "domain_flow", "domain_problem", "domain_risk", "effective_rank_bound", "effective_ranks", "endless_generations",
    "ensemble", "estimator_error", "held_out_groups", "held_out_risk", "interpolation_threshold", "iteration_of",
    "learnability", "linf_training", "logistic_likelihood", "margin_classifier", "margin_distribution",
    "mixed_classifier", "mixed_moments", "mixed_teacher", "moving_classifier", "multi_pass_sgd", "one_pass_sgd",
    "optimal_augmentation", "optimal_ridge", "optimal_stopping", "overfitting_coefficient", "overfitting_cost",
    "overfitting_verdict", "patterned_classifier", "patterned_moments", "patterned_teacher",
    "patterned_teacher_moments", "power_law_fitting", "resampled", "risk", "risk_estimators", "scaling_exponents",
    "separability_threshold", "signal_of_scores", "spectral_radius", "stability", "step_transform",
    "streamed_classifier", "subsample_risk", "teacher_classifier", "teacher_moments", "teacher_separability_threshold",
    "trajectory", "viewed_classifier", "viewed_moments", "viewed_teacher", "viewed_teacher_moments", "weight_law",
]

from rfgen.theory.classification.adversarial import LinfClassifier, linf_training
from rfgen.theory.classification.along_stream import streamed_classifier
from rfgen.theory.classification.along_training import ClassTraining, moving_classifier
from rfgen.theory.classification.averaging import averaging
from rfgen.theory.classification.discriminant import discriminant
from rfgen.theory.classification.logistic_likelihood import LogisticLikelihood, logistic_likelihood, signal_of_scores
from rfgen.theory.classification.margin import MarginClassifier, margin_classifier, margin_distribution
from rfgen.theory.classification.separability import separability_threshold, teacher_separability_threshold
from rfgen.theory.classification.teacher import TeacherClassifier, TeacherMoments, teacher_classifier, teacher_moments
from rfgen.theory.classification.views.mixed import mixed_classifier, mixed_moments, mixed_teacher
from rfgen.theory.classification.views.patterned import patterned_classifier, patterned_moments
from rfgen.theory.classification.views.patterned_teacher import patterned_teacher, patterned_teacher_moments
from rfgen.theory.classification.views.seen import ViewedClassifier
from rfgen.theory.classification.views.viewed import viewed_classifier, viewed_moments
from rfgen.theory.classification.views.viewed_teacher import viewed_teacher, viewed_teacher_moments
from rfgen.theory.classification.weight_law import WeightLaw, adversarial_error, weight_law
from rfgen.theory.domains.chain import chain_risks
from rfgen.theory.domains.collapse import collapse_excess, endless_generations
from rfgen.theory.domains.derivatives import DomainDerivatives, domain_derivatives
from rfgen.theory.domains.flow import domain_flow
from rfgen.theory.domains.problem import DomainProblem, domain_problem
from rfgen.theory.domains.risk import DomainRisk, domain_risk
from rfgen.theory.dynamics.optimal_stopping import Stopping, optimal_stopping
from rfgen.theory.dynamics.spectral_filters import Filter
from rfgen.theory.dynamics.trajectory import Trajectory, trajectory
from rfgen.theory.estimation.held_out_groups import held_out_groups
from rfgen.theory.estimation.held_out_risk import HeldOutRisk, held_out_risk
from rfgen.theory.estimation.risk_estimators import RiskEstimators, estimator_error, risk_estimators
from rfgen.theory.estimation.subsample_risk import SubsampleRisk, subsample_risk
from rfgen.theory.overfitting import scaling_exponents
from rfgen.theory.overfitting.benign_bounds import BenignBounds, benign_bounds
from rfgen.theory.overfitting.cost import OverfittingCost, overfitting_coefficient, overfitting_cost
from rfgen.theory.overfitting.effective_rank import (
    EffectiveRankBound,
    EffectiveRanks,
    effective_rank_bound,
    effective_ranks,
)
from rfgen.theory.overfitting.power_law_fitting import PowerLawFitting, interpolation_threshold, power_law_fitting
from rfgen.theory.overfitting.verdict import Verdict, overfitting_verdict
from rfgen.theory.ridge.block_risk import AugmentedProblem, AugmentedRisk, augmented_modes, augmented_risk, resampled
from rfgen.theory.ridge.ensemble import ensemble
from rfgen.theory.ridge.learnability import Learnability, learnability
from rfgen.theory.ridge.optimal_augmentation import BestStrength, optimal_augmentation
from rfgen.theory.ridge.optimal_ridge import OptimalRidge, optimal_ridge
from rfgen.theory.ridge.risk import Risk, risk
from rfgen.theory.sgd.compute_optimal import ComputeOptimal, compute_optimal
from rfgen.theory.sgd.many_passes.feature_ridges import FeatureModes
from rfgen.theory.sgd.many_passes.multi_pass import MultiPassCurve, multi_pass_sgd
from rfgen.theory.sgd.stability import Stability, spectral_radius, stability
from rfgen.theory.sgd.streaming.one_pass import OnePassCurve, iteration_of, one_pass_sgd
from rfgen.theory.sgd.streaming.second_moments import Iteration
from rfgen.theory.sgd.streaming.step_transform import StepTransform, step_transform
