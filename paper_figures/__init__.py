"""Published figures rebuilt with the public names of rfgen: `python -m paper_figures list`.

One module a figure, of its name.  Its constants that are numbers are what `--set` changes.  `compute(scale, data=None,
seed=0)` returns a dict of arrays and a dict of parameters that JSON can hold; `draw(arrays, parameters)` returns a
matplotlib Figure and needs nothing else.
"""

__all__ = ["FIGURES", "Entry"]

from paper_figures.catalogue import FIGURES, Entry
