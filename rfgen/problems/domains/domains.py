"""Several populations that rows come from, in one space of inputs."""

__all__ = ["Domains", "Law", "domain_of"]

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from rfgen.problems.data_task import DataTask
from rfgen.problems.domains.domain import Domain
from rfgen.problems.rules import instance
from rfgen.problems.settings import setting
from rfgen.problems.shown import short
from rfgen.problems.system_task import SystemTask
from rfgen.problems.task import Task


def domain_of(name: str, value: Any) -> Domain:
    """A domain as it is, of a `Task`, of a `DataTask`, of (features, labels)."""
    if isinstance(value, Domain):
        return value
    if isinstance(value, Task):
        return value.domain
    if isinstance(value, DataTask):
        if value.labels.ndim > 1:
            raise ValueError(f"{name} must have one label per row, got labels of shape {value.labels.shape}")
        if np.any(value.noise):
            raise ValueError(f"{name} must have noise=0: the labels of real rows hold theirs already, got {value.noise}")
        return Domain.from_data(value.features, value.labels)
    if isinstance(value, tuple) and len(value) == 2:
        return Domain.from_data(*value)
    kinds = "an rg.Task, rg.Domain, rg.DataTask or (features, labels)"
    raise ValueError(f"{name} must be {kinds}, got {type(value).__name__}")


@dataclass(frozen=True, eq=False)
class Law:
    """Domains in common coordinates: `covariance` (domains, p) or (domains, p, p), `teachers` (domains, outputs, p) with an
    output for each novel part behind those that all share, `noise` (domains,); `misfit` (domains that are trained on,) or
    None: power of the labels that no weights fit, which is no noise of them.
    """

    covariance: np.ndarray
    teachers: np.ndarray
    noise: np.ndarray
    misfit: np.ndarray | None = None

    @classmethod
    def of(cls, domains: Sequence[Domain]) -> "Law":
        """Of domains with the same inputs; those of equal weights have one target, novel part included."""
        dense = any(one.covariance.ndim == 2 for one in domains)
        own = [one.covariance for one in domains]
        covariance = [np.diag(one) if dense and one.ndim == 1 else one for one in own]
        targets = [None if one.novel is None else (one.weights.tobytes(), one.novel.tobytes()) for one in domains]
        novel = list(dict.fromkeys(one for one in targets if one is not None))
        outputs = domains[0].weights.shape[0]
        teachers = np.zeros((len(domains), outputs + len(novel), domains[0].dim))
        for place, (one, target) in enumerate(zip(domains, targets, strict=True)):
            teachers[place, :outputs] = one.weights
            if target is not None:
                teachers[place, outputs + novel.index(target)] = one.novel
        return cls(np.stack(covariance), teachers, np.array([one.noise for one in domains]))


class Domains(SystemTask):
    """Named populations that training rows come from and models are tested on: `Domains({"real": ..., "cheap": ...})`.

    Each is an `rg.Task` in eigen-coordinates, an `rg.Domain`, an `rg.DataTask` or a pair (features, labels) of real rows;
    all have the same inputs.  Tasks share their eigenvectors, in the order of the eigenvalues that they were given.

    >>> real = Task.power_law(1.5, 1.5, noise=0.5, modes=100)
    >>> Domains({"real": real, "cheap": real.shifted(overlap=0.8, noise=0.1)})
    Domains(domains=['real', 'cheap'], dim=100)
    """

    domains: Any = setting(instance(Mapping, "a mapping of names to domains, such as {'real': task, 'cheap': other}"))

    def _relate(self) -> None:
        """Every population becomes a `Domain`; they fit together."""
        for name in self.domains:
            if not (isinstance(name, str) and name.isidentifier()):
                raise ValueError(f"domains must have names that can stand behind n_, such as 'real', got {name!r}")
        maps = [one.feature_map for one in self.domains.values() if isinstance(one, DataTask)]
        if any(one is not maps[0] and one != maps[0] for one in maps):
            raise ValueError("domains must be seen through one feature map, got several: give all the same, drawn once")
        known = {name: domain_of(name, value) for name, value in self.domains.items()}
        if not known:
            raise ValueError("domains must name at least one population, got none")
        self._set(domains=known)
        first = next(iter(known))
        for name, one in known.items():
            self.fits(name, one, first)

    def fits(self, name: str, domain: Domain, first: str | None = None) -> None:
        """ValueError unless `domain` has the inputs and outputs of these."""
        first = first or next(iter(self.domains))
        for what, own, its in (
            ("inputs", self.domains[first].dim, domain.dim),
            ("outputs", self.domains[first].weights.shape[0], domain.weights.shape[0]),
        ):
            if own != its:
                raise ValueError(f"{name} must have the {what} of {first} ({own}), got {its}")

    @classmethod
    def from_moments(cls, moments: Mapping[str, tuple[Any, Any, float]]) -> "Domains":
        """{name: (covariance or its eigenvalues, weights, noise)}.

        >>> Domains.from_moments({"a": ([1.0, 0.5], [1.0, 0.0], 0.1), "b": ([0.5, 1.0], [0.0, 1.0], 0.0)}).names
        ['a', 'b']
        """
        for name, value in moments.items():
            if not (isinstance(value, tuple | list) and len(value) == 3):
                raise ValueError(f"{name} must be (covariance, weights, noise), got {short(value)}")
        return cls({name: Domain(*value) for name, value in moments.items()})

    @property
    def names(self) -> list[str]:
        """Of the domains, in order."""
        return list(self.domains)

    @property
    def dim(self) -> int:
        """Number of inputs."""
        return self.domains[self.names[0]].dim

    @property
    def null_risk(self) -> float:
        """The largest risk of predicting zero."""
        return max(one.power + one.noise for one in self.domains.values())

    def _shown(self) -> dict[str, str]:
        """Names and sizes."""
        return {"domains": f"[{', '.join(map(repr, self.names))}]", "dim": short(self.dim)}
