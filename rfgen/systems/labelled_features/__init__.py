"""Classifiers of real features with binary labels."""

__all__ = ["FeatureClassifier", "FeatureLaw", "LabelledFeatures", "feature_classifier", "feature_law"]

from rfgen.systems.labelled_features.problem import LabelledFeatures
from rfgen.systems.labelled_features.theory import FeatureClassifier, FeatureLaw, feature_classifier, feature_law
