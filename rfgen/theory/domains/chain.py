"""Sequences of trainings: every trained model is a teacher like the first ones, with one more part that is independent.

A model is its mean weights, a combination of teachers, and a fluctuation.  Written as one more output of its own, the root
of the covariance K, the fluctuation makes of it a teacher for later stages, whose errors are those of theory (15.3) again:
what rows, features and noise of earlier stages did is in these outputs.  Equations: theory (15.8) and (15.9).
"""

__all__ = ["chain_risks"]

from collections.abc import Callable

import numpy as np

from rfgen.problems.domains.domains import Law
from rfgen.problems.domains.sequence import TRUTH, Sequence
from rfgen.theory.domains.problem import DomainProblem, domain_problem
from rfgen.theory.domains.stages import Fitted

# One stage: the problem, rows (domains,), weights (domains,) and its number.
Fit = Callable[[DomainProblem, np.ndarray, np.ndarray, int], Fitted]


def chain_risks(
    law: Law, names: list[str], sequence: Sequence, at: list[dict[str, float]], fit: Fit
) -> tuple[np.ndarray, bool]:
    """Test risks (stages, tests), and whether all was solved.

    `law`: of the domains by `names`, then of the tests; `at`: the settings of each stage at single values.
    """
    count, size = len(names), law.teachers.shape[-1]
    dense, own = law.covariance.ndim == 3, law.teachers.shape[1]
    # outputs of all fluctuations to come: the shapes of all stages are one
    room = len(sequence.stages) * (size if dense else 1)
    truth = np.concatenate([law.teachers, np.zeros((len(law.teachers), room, size))], axis=1)
    models: dict[str, np.ndarray] = {}
    risks, solved = [], True
    for number, (stage, settings) in enumerate(zip(sequence.stages, at, strict=True)):
        start = models[stage.start] if stage.start is not None else np.zeros_like(truth[0])
        labelled = [stage.label_of(name) for name in names]
        teachers = np.stack([truth[d] if label == TRUTH else models[label] for d, label in enumerate(labelled)]) - start
        known = [law.noise[d] if label == TRUTH else 0.0 for d, label in enumerate(labelled)]
        noise = np.array([settings.get(f"noise_{name}", known[d]) for d, name in enumerate(names)])
        here = Law(np.concatenate([law.covariance[:count], law.covariance[:1]]), np.concatenate([teachers, teachers[:1]]),
                   np.append(noise, 0.0))
        n = np.array([settings.get(f"n_{name}", 0.0) for name in names])
        weight = np.array([settings.get(f"weight_{name}", 1.0) for name in names])
        found = fit(domain_problem(here, count, merged=False), n, weight, number)
        model = start + found.mean
        if dense:
            values, vectors = np.linalg.eigh(found.spread)
            model[own + number * size : own + (number + 1) * size] += (vectors * np.sqrt(np.maximum(values, 0.0))).T
        else:
            model[own + number] += np.sqrt(np.maximum(found.spread, 0.0))
        models[stage.name], solved = model, solved and found.solved
        missed = model - truth[count:]
        seen = missed @ law.covariance[count:] if dense else missed * law.covariance[count:, None]
        risks.append(law.noise[count:] + np.sum(seen * missed, axis=(1, 2)))
    return np.stack(risks), solved
