"""What is learned, and by whom."""

__all__ = ["ClassGroups", "SpectralTails", "Teacher", "spectral_tails"]

from rfgen.problems.classes.class_groups import ClassGroups
from rfgen.problems.classes.teacher import Teacher
from rfgen.problems.spectra.spectral_tails import SpectralTails, spectral_tails
