"""ReLU students of ReLU teachers."""

__all__ = ["Decomposition", "FeatureRuns", "StudentTeacher", "TrainedRuns", "decomposition", "random_features", "training"]

from rfgen.systems.relu_students.student_teacher import (
    Decomposition,
    FeatureRuns,
    StudentTeacher,
    TrainedRuns,
    decomposition,
    random_features,
    training,
)
