"""What verbs are asked about domains: rows and weights of each by name, and where the model is used."""

__all__ = ["AskedDomains", "as_domains", "as_task", "asked_domains", "asked_tests"]

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from rfgen.curves.dataset import DESCRIPTIONS
from rfgen.problems import validation
from rfgen.problems.augmentations.base import AbstractAugmentation
from rfgen.problems.data_task import DataTask
from rfgen.problems.domains.domain import Domain
from rfgen.problems.domains.domains import Domains, Law, domain_of
from rfgen.problems.learner import Learner
from rfgen.problems.task import Task

# The domain of a task that is alone.
ALONE = "task"


@dataclass(frozen=True, eq=False)
class AskedDomains:
    """`axes`: those of the curve, `n_<domain>` (or `mixture`, the place among `mixtures` (mixtures, domains)) and
    `weight_<domain>` first; `augmentations` of each domain; `law` of the domains and, behind them, of `tests` by name;
    `single`: whether one test population is asked for, without a dimension.
    """

    domains: Domains
    axes: dict[str, np.ndarray]
    tests: dict[str, Domain]
    single: bool
    augmentations: tuple[AbstractAugmentation | None, ...]
    mixtures: np.ndarray | None = None

    @property
    def row_axes(self) -> dict[str, np.ndarray]:
        """Those of the axes that say how many rows there are."""
        return {name: axis for name, axis in self.axes.items() if name == "mixture" or name.startswith("n_")}

    @property
    def law(self) -> Law:
        """Of the domains, then of the tests."""
        return Law.of([*self.domains.domains.values(), *self.tests.values()])

    def columns(self, columns: Mapping[str, np.ndarray]) -> tuple[np.ndarray, np.ndarray]:
        """Rows and weights (points, domains)."""
        one = np.ones_like(next(iter(columns.values())))
        names = self.domains.names
        weight = np.stack([columns.get(f"weight_{name}", one) for name in names], axis=1)
        if self.mixtures is not None:
            return self.mixtures[columns["mixture"].astype(int)], weight
        return np.stack([columns[f"n_{name}"] for name in names], axis=1), weight

    def packed(self, curve: Any, variables: Mapping[str, tuple[tuple[str, ...], np.ndarray]]) -> Any:
        """`curve` with variables of inner dimensions and values (points, ...), behind the dimensions of the curve: those of
        a single test population lose `test_domain`.
        """
        dims = tuple(curve.sizes)
        names = {"test_domain": list(self.tests), "domain": self.domains.names}
        inner_names = {name for inner, _ in variables.values() for name in inner}
        for name in (name for name in names if name in inner_names):
            alone = self.single and name == "test_domain"
            curve = curve.assign_coords({name: names[name][0] if alone else (name, names[name])})
            curve[name].attrs["long_name"] = DESCRIPTIONS[name]
        for name, (inner, values) in variables.items():
            packed = np.reshape(values, (*(curve.sizes[one] for one in dims), *values.shape[1:]))
            if self.single and "test_domain" in inner:
                packed = np.take(packed, 0, axis=len(dims) + inner.index("test_domain"))
                inner = tuple(one for one in inner if one != "test_domain")
            said = name.removesuffix("_se")
            text = DESCRIPTIONS[said] if said == name else f"standard error of {said}"
            curve[name] = ((*dims, *inner), packed, {"long_name": text})
        return curve


def as_domains(task: Any, learner: Any, n: Any, test: Any) -> tuple[Any, Any]:
    """A task that is tested elsewhere, as the one domain that rows come from, and its rows; else as they are."""
    if test is None or not (isinstance(task, Task | DataTask) and isinstance(learner, Learner)):
        return task, n
    return Domains({ALONE: task}), {ALONE: n} if n is not None else None


def as_task(task: Any, asked: Any, curve: Any) -> Any:
    """The curve of such a task over n."""
    if task is asked:
        return curve
    return curve.drop_vars("rows").isel(domain=0, drop=True).rename({f"n_{ALONE}": "n"}).assign_attrs(task=repr(task))


def asked_domains(domains: Domains, learner: Learner, n: Any, weights: Any, test: Any) -> AskedDomains:
    """Check the arguments: `n` {name: rows} (a number if there is one domain) or a list of such, `weights` {name: weight},
    `test` names, domains, or {name: domain}; None: all domains.
    """
    if n is None:
        raise ValueError("n, the number of training rows of each domain, is missing")
    several = isinstance(n, list | tuple) and len(n) > 0 and all(isinstance(one, Mapping) for one in n)
    if not (several or isinstance(n, Mapping)):
        if len(domains.names) > 1:
            raise ValueError(f"n must say how many rows of each domain, such as {{{domains.names[0]!r}: 100}}, got {n!r}")
        n = {domains.names[0]: n}
    weights = {} if weights is None else weights
    if not isinstance(weights, Mapping):
        raise ValueError(f"weights must say those of some domains, such as {{{domains.names[0]!r}: 2.0}}, got {weights!r}")
    for what, given in (*(("n", one) for one in (n if several else [n])), ("weights", weights)):
        if unknown := [name for name in given if name not in domains.names]:
            raise ValueError(f"{what} must be of the domains {', '.join(domains.names)}, got {unknown[0]!r}")
    mixtures = None
    if several:
        mixtures = np.array([
            [float(validation.non_negative(f"n of {name}", one.get(name, 0), 0)) for name in domains.names] for one in n
        ])
        axes, least = {"mixture": np.arange(float(len(n)))}, float(mixtures.sum(axis=1).min())
    else:
        rows: Any = n
        axes = {f"n_{name}": validation.non_negative(f"n of {name}", rows.get(name, 0)) for name in domains.names}
        least = sum(float(axis.min()) for axis in axes.values())
    if least == 0.0:
        raise ValueError("n must leave at least one training row at every point, got none of any domain")
    axes |= {f"weight_{name}": validation.non_negative(f"weight of {name}", weights[name]) for name in weights}
    tests, single = asked_tests(domains, test)
    augmentations = _augmentations(domains, learner.augmentation)
    if learner.training.stochastic and any(augmentations):
        raise ValueError(
            "augmentation is not derived for rg.SGD on several domains: train by rg.GradientDescent, or leave "
            "augmentation out"
        )
    axes |= {"features": learner.features, **learner.training.axes}
    return AskedDomains(domains, axes, tests, single, augmentations, mixtures)


def _augmentations(domains: Domains, given: Any) -> tuple[AbstractAugmentation | None, ...]:
    """Of each domain, at single settings."""
    unknown = [name for name in given if name not in domains.names] if isinstance(given, Mapping) else []
    if unknown:
        raise ValueError(f"augmentation must be of the domains {', '.join(domains.names)}, got {unknown[0]!r}")
    each = given if isinstance(given, Mapping) else dict.fromkeys(domains.names, given)
    for one in each.values():
        if one is not None and any(axis.ndim for axis in one.axes.values()):
            raise ValueError(f"augmentation of domains must have single settings, got {one!r}: call once for each")
        if one is not None and one.mixes:
            raise ValueError(
                f"augmentation of domains must change one input at a time, got {one!r}: rows that are mixed of training "
                "rows are no fresh ones, leave it out, or mix the rows of one task"
            )
    return tuple(None if each.get(name) is None else each[name].settings[0] for name in domains.names)


def asked_tests(domains: Domains, test: Any) -> tuple[dict[str, Domain], bool]:
    """Test populations by name, and whether one is meant alone; they have the inputs of the domains."""
    tests, single = _tests(domains, test)
    for name, one in tests.items():
        domains.fits(name, one)
    return tests, single


def _tests(domains: Domains, test: Any) -> tuple[dict[str, Domain], bool]:
    if test is None:
        return dict(domains.domains), len(domains.names) == 1
    if isinstance(test, str):
        return {test: _named(domains, test)}, True
    if isinstance(test, Mapping):
        if not test:
            raise ValueError("test must name at least one population, got none")
        return {str(name): domain_of(f"test {name}", value) for name, value in test.items()}, False
    if isinstance(test, Sequence) and all(isinstance(name, str) for name in test) and test:
        return {name: _named(domains, name) for name in test}, False
    return {"test": domain_of("test", test)}, True


def _named(domains: Domains, name: str) -> Domain:
    if name not in domains.names:
        raise ValueError(f"test must be among the domains {', '.join(domains.names)}, or a population, got {name!r}")
    return domains.domains[name]
