"""The matrix of compositions: every cell is served, or refused in a sentence with a reason."""

import re
import warnings

import pytest

import rfgen as rg
from tests.compositions import SERVED, N, cells, outcome, walking

CELLS = list(cells())
# What is refused must not grow: 16,331 of 20,480 cells before models of classifiers drew rows of their own; each method of
# few options adds 512 cells.
MOST_REFUSED = 0.71
REASON = re.compile(r"[:,;] |\b(must|needs?|are|is) ")


def walked(chosen):
    """Outcomes of the cells, none of which fails inside."""
    with walking():
        return [outcome(cell) for cell in chosen]


def sentences(outcomes):
    """Of every refusal: what was asked, why not or what instead; no text of Python's or of a library's."""
    for said in set(outcomes) - {SERVED}:
        assert len(said.split()) >= 8 and REASON.search(said) and "\n" not in said, said
        assert "Traceback" not in said and "NoneType" not in said and "object at 0x" not in said, said


def test_some_cells_are_served_or_refused_in_a_sentence():
    sentences(walked(CELLS[::211]))


def test_a_fifth_of_the_cells_is_served_or_refused_in_a_sentence():
    found = walked(CELLS[::5])
    sentences(found)
    assert sum(said != SERVED for said in found) < MOST_REFUSED * len(found)


def some(verb, count):
    """As many served cells of the verb, from equal parts of the matrix; of classifiers and ensembles as of any."""
    tried = [cell for cell in CELLS[::17] if cell[0] == verb]
    served = [cell for cell, said in zip(tried, walked(tried), strict=True) if said == SERVED]
    return served[:: max(1, len(served) // count)][:count]


@pytest.mark.parametrize("verb", ["predict", "simulate"])
def test_served_cells_run(verb):
    for _, task, training, augmentation, features, resampling, members in some(verb, 3):
        learner = rg.Learner(training, features=features, augmentation=augmentation, resampling=resampling)
        drawn = {"trials": 2, "progress": False} if verb == "simulate" else {}
        one_pass = isinstance(training, rg.OnePassSGD | rg.AcceleratedSGD | rg.DANA)
        n = None if one_pass else {"a": N} if isinstance(task, rg.Domains) else N
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            found = getattr(rg, verb)(task, learner, n, **drawn, **({} if members is None else {"members": members}))
        assert found.data_vars, learner
