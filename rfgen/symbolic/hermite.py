"""Normalised Hermite coefficients of activations, E[activation(z) He_l(z)]/sqrt(l!) for z ~ N(0, 1).

Equations: theory (5.16).
"""

__all__ = ["HERMITE"]

from collections.abc import Callable
from typing import Any

from rfgen.symbolic.formula import Closed, symbols

REGIME = "pre-activations of variance 1"
# of He_l: integrate by parts until a Gaussian derivative is left
DERIVED = "derived: integration by parts"


def _coefficient(which: Callable[[Any, Any], Any]) -> Callable[[], Any]:
    def build() -> Any:
        import sympy

        degree, = symbols("degree")
        return which(sympy, degree) / sympy.sqrt(sympy.factorial(degree))

    return build


def _relu(sympy: Any, degree: Any) -> Any:
    even = -sympy.cos(sympy.pi * degree / 2) * sympy.factorial2(degree - 3) / sympy.sqrt(2 * sympy.pi)
    first, one = 1 / sympy.sqrt(2 * sympy.pi), sympy.Rational(1, 2)
    odd = sympy.Eq(sympy.Mod(degree, 2), 1)
    return sympy.Piecewise((first, sympy.Eq(degree, 0)), (one, sympy.Eq(degree, 1)), (0, odd), (even, True))


def _odd(sympy: Any, degree: Any, size: Any) -> Any:
    """Of alternating signs at odd degrees."""
    return sympy.Piecewise((sympy.sin(sympy.pi * degree / 2) * size, sympy.Eq(sympy.Mod(degree, 2), 1)), (0, True))


def _sign(sympy: Any, degree: Any) -> Any:
    return _odd(sympy, degree, sympy.sqrt(2 / sympy.pi) * sympy.factorial2(degree - 2))


def _erf(sympy: Any, degree: Any) -> Any:
    shrunk = sympy.Rational(2, 3) ** ((degree - 1) / 2)
    return _odd(sympy, degree, 2 / sympy.sqrt(3 * sympy.pi) * sympy.factorial2(degree - 2) * shrunk)


def _exp(sympy: Any, _degree: Any) -> Any:
    return sympy.exp(sympy.Rational(1, 2))


def _sin(sympy: Any, degree: Any) -> Any:
    return _odd(sympy, degree, sympy.exp(-sympy.Rational(1, 2)))


HERMITE = tuple(
    Closed(f"Hermite coefficient of {name}", ("degree",), _coefficient(which), REGIME, DERIVED)
    for name, which in {"relu": _relu, "sign": _sign, "erf": _erf, "exp": _exp, "sin": _sin}.items()
)
