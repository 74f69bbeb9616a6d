"""Training domains and test populations as the engine takes them."""

__all__ = ["DomainProblem", "domain_problem"]

from typing import Any

import jax
import numpy as np

from rfgen.equivalents.operators import DenseOperators, DiagonalOperators
from rfgen.numerics.compilation.record import record
from rfgen.problems.domains.domains import Law

# Nodes of commuting covariances are padded by empty ones to multiples of this.
PADDING = 64


@record
class DomainProblem:
    """Domains d and test populations t over basis operators j: `covariance` (domains, J), `teachers` (domains, outputs, p),
    `noise`, `misfit` (domains,); `test` (tests, J), `test_teachers` (tests, outputs, p), `test_noise` (tests,).

    Made by `domain_problem`; a pytree.
    """

    operators: Any
    covariance: Any
    teachers: Any
    noise: Any
    test: Any
    test_teachers: Any
    test_noise: Any
    misfit: Any


def domain_problem(law: Law, domains: int, merged: bool = True) -> DomainProblem:
    """The first `domains` of `law` to train on, the others to be tested on.

    Equal covariances are one operator, and modes that are equal in all domains one node, if `merged`.
    """
    covariance, teachers = law.covariance, law.teachers
    kept, place = np.unique(covariance.reshape(len(covariance), -1), axis=0, return_inverse=True)
    which = np.eye(len(kept))[np.ravel(place)]
    basis = kept.reshape(-1, *covariance.shape[1:])
    if basis.ndim == 2 and not merged:
        operators: Any = DiagonalOperators(basis, np.ones(basis.shape[1]))
    elif basis.ndim == 2:
        outputs = teachers.reshape(-1, teachers.shape[-1])
        nodes, counts = np.unique(np.concatenate([basis, outputs]), axis=1, return_counts=True)
        pad = -counts.size % PADDING
        nodes, counts = np.pad(nodes, ((0, 0), (0, pad))), np.pad(counts, (0, pad)).astype(np.float64)
        basis, teachers = nodes[: len(basis)], (nodes[len(basis):] * np.sqrt(counts)).reshape(*teachers.shape[:2], -1)
        operators = DiagonalOperators(basis, counts)
    else:
        operators = DenseOperators(basis)
    parts = ((which[one], teachers[one], law.noise[one]) for one in (slice(domains), slice(domains, None)))
    (own, taught, noise), (test, used, irreducible) = parts
    misfit = np.zeros(domains) if law.misfit is None else law.misfit
    problem = DomainProblem(operators, own, taught, noise, test, used, irreducible, misfit)
    return jax.device_put(jax.tree.map(lambda leaf: np.asarray(leaf, np.float64), problem))
