"""What systems of their own are asked about."""

__all__ = ["SystemTask"]

from rfgen.problems.settings import Noun


class SystemTask(Noun):
    """A task of one of the systems, which the verbs take without knowing it: a row of the table of methods serves it."""

    # one output: curves have no dimension of outputs
    keep_outputs = False
    outputs = 1
