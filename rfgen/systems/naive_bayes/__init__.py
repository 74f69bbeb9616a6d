"""Naive Bayes against logistic regression."""

__all__ = ["CorrelatedClasses", "NaiveBayes", "bayes_errors", "fit_naive_bayes", "naive_bayes_errors"]

from rfgen.systems.naive_bayes.problem import CorrelatedClasses, NaiveBayes
from rfgen.systems.naive_bayes.simulation import fit_naive_bayes
from rfgen.systems.naive_bayes.theory import bayes_errors, naive_bayes_errors
