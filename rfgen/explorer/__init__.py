"""The exact curve under sliders, in a notebook; its ES module `explorer.js` is the page of the documentation too."""

__all__ = ["explore", "fragment"]

from rfgen.explorer.explore import explore
from rfgen.explorer.page import fragment
