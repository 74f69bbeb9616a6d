"""249 doubtful inputs, 6 of sweeps and 2 of trainings: refused with a sentence, or accepted for a reason."""

import warnings

import pytest

from tests.problems.inputs import ACCEPTED, REFUSED


def test_there_are_as_many():
    assert len(REFUSED) + len(ACCEPTED) == 257 and not {*REFUSED} & {*ACCEPTED}


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("name", REFUSED)
def test_is_refused_in_a_sentence(name):
    call, words = REFUSED[name]
    with pytest.raises((ValueError, TypeError, MemoryError, RuntimeError)) as refusal:
        call()
    assert words in str(refusal.value)


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("name", ACCEPTED)
def test_is_accepted_for_a_reason(name):
    call, reason = ACCEPTED[name]
    with warnings.catch_warnings():
        assert call() is not None and reason
