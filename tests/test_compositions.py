"""The matrix of compositions: every cell is served, or refused in a sentence with a reason."""

import pathlib
import re
import warnings
from collections import Counter

import pytest

import rfgen as rg
from tests.compositions import FIRST, SERVED, N, cells, counted, meaningless, outcome, table, walking

CELLS = list(cells())
# Of the first methods' cells that have a meaning; 79 % before losses met augmentations.
MOST_HOLES = 0.265
REASON = re.compile(r"[:,;] |\b(must|needs?|are|is) ")
LIMITS = pathlib.Path(__file__).parents[1] / "docs" / "limits.md"
ROW = re.compile(r"\| ([^|]+?) \| ([\d,]+) \| ([\d,]+) \| ([\d,]+) \|")


def walked(chosen):
    """Outcomes of the cells, none of which fails inside."""
    with walking():
        return [outcome(cell) for cell in chosen]


def sentences(said):
    """Of every refusal: what was asked, why not or what instead; no text of Python's or of a library's."""
    for one in set(said) - {SERVED}:
        assert len(one.split()) >= 8 and REASON.search(one) and "\n" not in one, one
        assert "Traceback" not in one and "NoneType" not in one and "object at 0x" not in one, one


def test_some_cells_are_served_or_refused_in_a_sentence():
    chosen = CELLS[::211]
    said = walked(chosen)
    sentences(said)
    assert not any(one == SERVED and meaningless(cell) for cell, one in zip(chosen, said, strict=True))


def test_a_fifth_of_the_cells_is_what_the_documentation_says():
    """Of every method, how many are served, have no meaning, are holes: the table in docs/limits.md."""
    chosen = CELLS[::5]
    with walking():
        found, said = counted(chosen)
    sentences(said)
    rows = ROW.findall(LIMITS.read_text("utf-8"))
    written = {name: [int(one.replace(",", "")) for one in counts] for name, *counts in rows}
    assert list(written) == [*found, table(found).splitlines()[-1].split(" | ")[0].strip("| ")]
    for name, counts in found.items():
        share = [one / sum(written[name]) for one in written[name]]
        drawn = [counts[kind] / sum(counts.values()) for kind in ("served", "no meaning", "hole")]
        assert share == pytest.approx(drawn, abs=0.06), name
    first = sum((found[name] for name in FIRST), Counter())
    assert first["hole"] < MOST_HOLES * (first["hole"] + first["served"])


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
