"""Monte-Carlo twins of the exact curves."""

__all__ = ["classifier_runs"]

from rfgen.simulation.runs.classes.classifier import classifier_runs
