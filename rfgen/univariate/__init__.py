"""Interpolation of points on a line by shallow ReLU networks: the interpolant of least norm, its risk, its rival."""

__all__ = ["PiecewiseLinear", "distance", "linear_spline", "min_norm_interpolant", "noise_risks", "spline_risk"]

from rfgen.univariate.distance import distance
from rfgen.univariate.linear_spline import linear_spline
from rfgen.univariate.min_norm_interpolant import min_norm_interpolant
from rfgen.univariate.noise_risks import noise_risks
from rfgen.univariate.piecewise_linear import PiecewiseLinear
from rfgen.univariate.spline_risk import spline_risk
