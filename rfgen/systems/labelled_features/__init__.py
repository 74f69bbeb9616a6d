"""Classifiers of real features with binary labels."""

__all__ = [
    "FeatureClassifier", "FeatureLaw", "LabelledFeatures", "SeenFeatures", "feature_classifier", "feature_law",
    "seen_features", "viewed_feature_classifier",
]

from rfgen.systems.labelled_features.problem import LabelledFeatures
from rfgen.systems.labelled_features.theory import FeatureClassifier, FeatureLaw, feature_classifier, feature_law
from rfgen.systems.labelled_features.views import SeenFeatures, seen_features, viewed_feature_classifier
