"""Closed forms as expressions: `formulas` lists them, `formula` gives one with its assumptions, source and numbers."""

__all__ = ["Formula", "formula", "formulas"]

from rfgen.symbolic.formula import Formula
from rfgen.symbolic.table import formula, formulas
