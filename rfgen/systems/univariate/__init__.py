"""Interpolation of points on a line by shallow ReLU networks: the interpolant of least norm, its risk, its rival."""

__all__ = ["PiecewiseLinear", "distance", "linear_spline", "min_norm_interpolant", "noise_risks", "spline_risk"]

from rfgen.systems.univariate.min_norm_interpolant import min_norm_interpolant
from rfgen.systems.univariate.piecewise_linear import PiecewiseLinear, distance, linear_spline
from rfgen.systems.univariate.risks import noise_risks, spline_risk
