"""Kernel spectra: eigenvalues in descending order, with multiplicities and, where infinite, an exact tail.

Equations: theory (1.1).
"""

__all__ = ["Spectrum"]

import math
from collections.abc import Callable, Mapping
from dataclasses import field
from functools import partial
from typing import Any

import numpy as np

from rfgen.numerics.compression import tail_quadrature
from rfgen.numerics.memory import planned
from rfgen.problems import validation
from rfgen.problems.settings import Noun, setting
from rfgen.problems.shown import short, span

# An infinite spectrum keeps this many modes one by one; the rest is quadrature (see numerics/compression.py).
EXPLICIT_MODES = 4096
# Tail nodes resolve effective ridges down to the eigenvalue of this index, that is min(n, features) up to 10^12.
RESOLVED_INDEX = 1e12
# What a finite spectrum, its powers and a prediction take of a mode, measured at 2 and 8 million: 105.
MODE_BYTES = 110
# More modes in levels stand for infinitely many.
MOST_COUNTED = 1e15
# Below the resolved eigenvalues by this factor a mode contributes lambda/gamma to double precision: one node for all.
UNRESOLVED = 1e-16


class Spectrum(Noun):
    """Eigenvalues of a kernel, in descending order.

    `Spectrum(eigenvalues, multiplicity=None)` takes any non-negative arrays of shape (levels,) and sorts them; a level of
    multiplicity m stands for m modes.  Eigenvalue 0 is allowed: such modes are never learned.  The class methods build
    the named spectra; those with `modes=None` have infinitely many modes, the tail being exact to 1e-15 for
    min(n, features) up to 10^12.

    `index` (levels,) is the rank of each mode, 1 for the first (for a level, of its first mode; real-valued on the tail);
    `order` (levels,) is the permutation that sorted the input; `explicit` says how many leading levels are actual modes
    rather than tail nodes; `tail_from` is the index beyond which the last node stands for all modes, inf if none do;
    `resolved` the largest min(n, features) for which that is exact.

    >>> Spectrum([1.0, 4.0, 2.0]).eigenvalues
    array([4., 2., 1.])
    """

    eigenvalues: Any = setting(partial(validation.non_negative, ndim=1))
    multiplicity: Any = None
    name: str = "arrays"
    parameters: Mapping[str, Any] = field(default_factory=dict)
    explicit: Any = None
    index: Any = None
    tail_from: float = math.inf
    resolved: float = math.inf
    order: np.ndarray = field(init=False)

    def _relate(self) -> None:
        """Sort."""
        values = self.eigenvalues
        if self.multiplicity is None:
            counts = np.ones_like(values)
        elif self.explicit is None:
            counts = validation.positive("multiplicity", self.multiplicity, 1)
        else:  # tail nodes carry quadrature weights, which may be negative at the end correction
            counts = validation.array("multiplicity", self.multiplicity)
        if counts.shape != values.shape:
            raise ValueError(
                f"multiplicity must have one entry per eigenvalue, got shapes {counts.shape} and {values.shape}"
            )
        order = np.argsort(-values, kind="stable")
        values, counts = values[order], counts[order]
        before = np.concatenate([[0.0], np.cumsum(counts)[:-1]])
        index = 1.0 + before if self.index is None else np.asarray(self.index)[order]
        explicit = values.size if self.explicit is None else self.explicit
        self._set(eigenvalues=values, multiplicity=counts, index=index, order=order, explicit=explicit)

    @property
    def infinite(self) -> bool:
        """Whether the spectrum has infinitely many modes."""
        return self.explicit < self.eigenvalues.size

    @property
    def learnable(self) -> np.ndarray:
        """Which levels have a positive eigenvalue, (levels,); subnormal ones count as zero, as XLA flushes them."""
        return self.eigenvalues >= np.finfo(np.float64).tiny

    @property
    def rank(self) -> float:
        """Number of modes with positive eigenvalue."""
        return math.inf if self.infinite else float(np.sum(self.multiplicity[self.learnable]))

    @property
    def trace(self) -> float:
        """Sum of the eigenvalues, the mean of K(x, x)."""
        return float(self.eigenvalues @ self.multiplicity)

    @property
    def _title(self) -> str:
        return f"Spectrum.{self.name}" if self.parameters else "Spectrum"

    def _shown(self) -> dict[str, str]:
        """Its law, or its size and range."""
        return {key: short(value) for key, value in self.parameters.items()} or self.sizes

    @property
    def sizes(self) -> dict[str, str]:
        """Number of modes and range of their eigenvalues, in words."""
        modes, levels = float(self.multiplicity.sum()), self.eigenvalues.size
        apart = "" if modes == levels else f" in {levels} levels"
        many = self.infinite or modes > MOST_COUNTED
        return {"modes": "infinitely many" if many else f"{modes:.15g}{apart}", "eigenvalues": span(self.eigenvalues)}

    def power_law_target(self, beta: float) -> np.ndarray:
        """Target power `index^-beta` per mode, as total per level (levels,); what lies beyond the tail on its last node.

        >>> Spectrum.isotropic(3).power_law_target(1.0).sum()  # one level of three equal modes: 1 + 1/2 + 1/3
        np.float64(1.8333333333333333)
        """
        beta = float(validation.array("beta", beta, 0))
        if self.infinite:
            if beta <= 1.0:
                raise ValueError(
                    f"beta must be > 1 when the spectrum has infinitely many modes: the power sum of i^-{beta:g} "
                    f"diverges, got beta={beta:g}; give modes=..., a finite number"
                )
            from scipy.special import zeta

            power = self.multiplicity * self.index**-beta
            power[-1] = zeta(beta, self.tail_from)  # the sum over all i >= tail_from, an integral for a huge one
            return power
        if (self.multiplicity == 1).all():
            return self.index**-beta
        counts = self._whole_multiplicities()
        ranks = np.arange(1.0, counts.sum() + 1.0) ** -beta
        return np.add.reduceat(ranks, np.concatenate([[0], np.cumsum(counts)[:-1]]))

    def _whole_multiplicities(self) -> np.ndarray:
        counts = np.round(self.multiplicity).astype(np.int64)
        if (counts != self.multiplicity).any() or counts.sum() > 10**8:
            raise ValueError(
                f"multiplicity must be whole numbers with at most 10^8 modes in all, got a total of "
                f"{self.multiplicity.sum():g}; give the power per level as an array instead"
            )
        return counts

    @classmethod
    def _from_law(
        cls, name: str, parameters: Mapping[str, Any], law: Callable[[np.ndarray], np.ndarray], modes: int | None,
        last: float, trace_beyond: Callable[[float], float], resolved: float, explicit: int = EXPLICIT_MODES,
    ) -> "Spectrum":
        """Eigenvalues exp(law(i)); for `modes=None` the tail up to index `last`, and the trace beyond on one node."""
        if modes is not None:
            modes = validation.integer("modes", modes, 1)
            planned(MODE_BYTES * modes, f"modes={modes}", "take fewer, or None for infinitely many")
            return cls(np.exp(law(np.arange(1.0, modes + 1.0))), name=name, parameters={**parameters, "modes": modes})
        explicit = min(explicit, int(last))
        head = np.arange(1.0, explicit + 1.0)
        if last > explicit + 1:
            x, weight = tail_quadrature(law, explicit, last)
        else:
            x, weight, last = np.zeros(0), np.zeros(0), explicit + 1.0
        end = np.exp(law(np.array([last])))
        # the end correction sits on modes N and N + 1: the stable sort keeps the explicit modes first
        return cls(
            np.concatenate([np.exp(law(head)), np.exp(law(x)), end]),
            np.concatenate([np.ones_like(head), weight, trace_beyond(last) / end]),
            name=name, parameters={**parameters, "modes": None}, explicit=explicit,
            index=np.concatenate([head, x, [last]]), tail_from=last, resolved=resolved,
        )

    @classmethod
    def power_law(cls, alpha: float, modes: int | None = None) -> "Spectrum":
        """Eigenvalues `i^-alpha`, i = 1, 2, ...; `modes=None` for infinitely many (alpha > 1).

        >>> round(Spectrum.power_law(2.0).trace - 3.141592653589793**2 / 6, 14)
        0.0
        """
        alpha = float(validation.positive("alpha", alpha, 0))
        if modes is None and alpha <= 1.0:
            raise ValueError(f"alpha must be > 1 when modes=None (the trace diverges), got {alpha:g}; give modes=...")
        # a tail, down to eigenvalues of 1e-290, which a double still holds; finitely many modes have none
        last = min(RESOLVED_INDEX * UNRESOLVED ** (-1.0 / alpha), 10.0 ** (290.0 / alpha)) if modes is None else math.inf
        return cls._from_law(
            "power_law", {"alpha": alpha}, lambda i: -alpha * np.log(i), modes, last,
            lambda x: x ** (1.0 - alpha) / (alpha - 1.0), last * UNRESOLVED ** (1.0 / alpha),
        )

    @classmethod
    def log_power_law(cls, power: float, modes: int | None = None) -> "Spectrum":
        """Eigenvalues `1 / (i log(i+1)^power)`: benign overfitting for power > 1; `modes=None` for infinitely many."""
        power = float(validation.array("power", power, 0))
        if modes is None and power <= 1.0:
            raise ValueError(f"power must be > 1 when modes=None (the trace diverges), got {power:g}; give modes=...")
        return cls._from_law(
            "log_power_law", {"power": power}, lambda i: -np.log(i) - power * np.log(np.log1p(i)), modes,
            RESOLVED_INDEX / UNRESOLVED, lambda x: math.log(x) ** (1.0 - power) / (power - 1.0), RESOLVED_INDEX,
        )

    @classmethod
    def exponential(cls, rate: float, modes: int | None = None) -> "Spectrum":
        """Eigenvalues `exp(-rate i)`; of `modes=None` the first 650 / rate are resolved, all that a double can hold."""
        rate = float(validation.positive("rate", rate, 0))
        held = int(650.0 / rate)
        if modes is None and not 50 <= held <= 10**8:
            raise ValueError(f"rate must lie in [6.5e-6, 13] when modes=None, got {rate:g}; give modes=...")
        # the sum over i > held is that of a geometric series from the end node on
        return cls._from_law(
            "exponential", {"rate": rate}, lambda i: -rate * i, modes, float(held),
            lambda x: math.exp(-rate * x) / -math.expm1(-rate), held + math.log(UNRESOLVED) / rate, explicit=held,
        )

    @classmethod
    def isotropic(cls, dim: int, scale: float = 1.0) -> "Spectrum":
        """`dim` equal eigenvalues `scale`."""
        dim, scale = validation.integer("dim", dim, 1), float(validation.positive("scale", scale, 0))
        return cls([scale], [dim], name="isotropic", parameters={"dim": dim, "scale": scale})

    @classmethod
    def two_level(cls, dims: tuple[int, int], values: tuple[float, float]) -> "Spectrum":
        """`dims[0]` eigenvalues `values[0]` and `dims[1]` eigenvalues `values[1]`."""
        if len(dims) != 2 or len(values) != 2:
            raise ValueError(f"dims and values must be pairs, got {dims!r} and {values!r}")
        counts = [validation.integer("dims", d, 1) for d in dims]
        return cls(values, counts, name="two_level", parameters={"dims": tuple(dims), "values": tuple(values)})

    @classmethod
    def spiked(cls, dim: int, spikes: Any, bulk: float = 1.0) -> "Spectrum":
        """The eigenvalues `spikes` (one mode each) above `dim - len(spikes)` equal ones of size `bulk`."""
        spikes = validation.positive("spikes", spikes, 1)
        dim = validation.integer("dim", dim, spikes.size + 1)
        return cls(
            np.append(spikes, float(validation.non_negative("bulk", bulk, 0))), [1] * spikes.size + [dim - spikes.size],
            name="spiked", parameters={"dim": dim, "spikes": spikes.tolist(), "bulk": bulk},
        )

    @classmethod
    def marchenko_pastur(cls, ratio: float, modes: int) -> "Spectrum":
        """`modes` quantiles of the Marchenko-Pastur law of a (modes x modes/ratio) sample covariance, unit variance.

        For ratio > 1 a fraction 1 - 1/ratio of the eigenvalues is zero.

        >>> float(np.round(Spectrum.marchenko_pastur(0.5, 2000).eigenvalues.mean(), 4))
        1.0
        """
        ratio, modes = float(validation.positive("ratio", ratio, 0)), validation.integer("modes", modes, 1)
        root = math.sqrt(ratio)
        # lambda = 1 + ratio - 2 root cos(angle) makes the density smooth at both edges
        angle = np.linspace(0.0, math.pi, 20_001)
        value = 1.0 + ratio - 2.0 * root * np.cos(angle)
        density = 2.0 * np.sin(angle) ** 2 / (math.pi * np.where(value > 0, value, 1.0))
        if ratio == 1.0:
            density[0] = 2.0 / math.pi  # sin^2 / (2 - 2 cos) tends to 1
        cumulative = np.concatenate([[0.0], np.cumsum(0.5 * (density[1:] + density[:-1]))])
        cumulative *= min(1.0, 1.0 / ratio) / cumulative[-1]
        levels = (np.arange(modes) + 0.5) / modes - max(0.0, 1.0 - 1.0 / ratio)
        quantiles = 1.0 + ratio - 2.0 * root * np.cos(np.interp(np.maximum(levels, 0.0), cumulative, angle))
        eigenvalues = np.where(levels > 0, quantiles, 0.0)
        return cls(eigenvalues, name="marchenko_pastur", parameters={"ratio": ratio, "modes": modes})
