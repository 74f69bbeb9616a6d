"""One Gaussian population whose labels follow a linear teacher."""

__all__ = ["LINKS", "Teacher"]

from functools import partial
from typing import Any

import numpy as np

from rfgen.problems.rules import number, numbers, one_of
from rfgen.problems.settings import Noun, setting
from rfgen.problems.shown import short
from rfgen.problems.validation import array, non_negative

LINKS = ("sign", "probit", "logistic")


class Teacher(Noun):
    """Inputs x ~ N(0, diag(variances)); the probability of label +1 rises with u = direction . x, scaled to variance 1.

    `link` "sign": label sign(u); "probit": P(+1) = Phi(u / scale), Phi the normal distribution function; "logistic":
    P(+1) = 1 / (1 + exp(-u / scale)); `scale` > 0 plays no part for "sign".  `flip` in [0, 1/2): the label is turned with
    this probability.  `direction`, `variances`: (dim,); the direction is rescaled, its length plays no part.
    `unexplained` in [0, 1): the share of u that the inputs do not tell, normal and independent of them, so that u =
    sqrt(1 - unexplained) direction.x + sqrt(unexplained) N(0, 1).  `bias` is added to u: labels of unequal number.

    >>> teacher = Teacher([3.0, 4.0], [1.0, 1.0], link="probit", scale=0.5)
    >>> teacher.direction
    array([0.6, 0.8])
    """

    direction: Any = setting(numbers(ndim=1))
    variances: Any = setting(partial(non_negative, ndim=1))
    link: str = setting(one_of(*LINKS), default="sign")
    scale: float = setting(number("(0, inf)"), default=1.0)
    flip: float = setting(number("[0, 1/2)"), default=0.0)
    bias: float = setting(number(), default=0.0)
    unexplained: float = setting(number("[0, 1)"), default=0.0)

    def _relate(self) -> None:
        """Rescale the direction."""
        if self.variances.shape != self.direction.shape:
            raise ValueError(
                f"variances must have as many entries as direction ({self.direction.size}), got {self.variances.size}"
            )
        length = float(np.sqrt(self.variances @ self.direction**2))
        if length == 0.0:
            raise ValueError("direction must have a part where variances are positive, else the teacher says nothing")
        self._set(direction=self.direction / length)

    @property
    def dim(self) -> int:
        """Number of coordinates."""
        return self.direction.size

    @classmethod
    def from_features(
        cls, teacher_covariance: Any, cross_covariance: Any, covariance: Any, theta: Any, **labels: Any
    ) -> "Teacher":
        """A teacher theta.c of other features c than the student's v: the Gaussian covariate model, in the basis of v's
        eigenvectors.

        `teacher_covariance` Psi (t, t) of c, `cross_covariance` Phi = E c v' (t, dim), `covariance` Omega (dim, dim) of v,
        `theta` (t,); `labels`: link, scale, flip and bias, of u = theta.c scaled to variance 1.  The direction is
        Omega^-1 Phi' theta, and what it does not tell of u is `unexplained`.  Source: the model of arXiv 2102.08127;
        the reduction derived.

        >>> import numpy as np
        >>> Teacher.from_features(np.eye(3), np.eye(3)[:, :2], np.eye(2), [1.0, 1.0, 1.0]).unexplained.__round__(9)
        0.333333333
        """
        psi, phi, omega = (array(name, value, 2) for name, value in (
            ("teacher_covariance", teacher_covariance), ("cross_covariance", cross_covariance), ("covariance", covariance)
        ))
        theta = array("theta", theta, 1)
        if psi.shape != (theta.size,) * 2 or phi.shape != (theta.size, len(omega)) or omega.shape != (len(omega),) * 2:
            raise ValueError(
                f"teacher_covariance, cross_covariance and covariance must have shapes (t, t), (t, dim) and (dim, dim) for "
                f"theta (t,), got {psi.shape}, {phi.shape}, {omega.shape} and {theta.shape}"
            )
        if not all(np.allclose(one, one.T, rtol=1e-8, atol=1e-10 * np.abs(one).max()) for one in (psi, omega)):
            raise ValueError("teacher_covariance and covariance must be symmetric")
        variance = float(theta @ psi @ theta)
        if variance <= 0.0:
            raise ValueError("theta must have a part where teacher_covariance is positive, else the teacher says nothing")
        values, vectors = np.linalg.eigh(omega)
        kept = values > 1e-12 * values[-1]
        values, vectors = values[kept], vectors[:, kept]
        told = vectors.T @ (phi.T @ theta) / np.sqrt(variance)
        share = float(told**2 @ (1.0 / values))
        if share > 1.0 + 1e-8:
            raise ValueError(
                f"cross_covariance must leave the joint covariance positive, but it would explain {share:.6g} of the "
                "teacher's variance: estimate all three from the same rows"
            )
        if share < 1e-24:
            raise ValueError("cross_covariance must tell something of theta.c, else no student learns anything")
        return cls(told / values, values, unexplained=min(max(1.0 - share, 0.0), 1.0 - 1e-15), **labels)

    def _shown(self) -> dict[str, str]:
        """The number of coordinates in place of their values."""
        names = ("dim", "link", "flip") if self.link == "sign" else ("dim", "link", "scale", "flip")
        more = [name for name in ("bias", "unexplained") if getattr(self, name) != 0.0]
        return {name: short(getattr(self, name)) for name in (*names, *more)}
