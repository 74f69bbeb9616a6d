"""Ensembles: the mean prediction of models that are trained on the same samples, each with features of its own.

Two members have in common the samples, their views and their label noise.  With R the risk of one model and C the mean
product of two members' errors,

    risk of M members = C + (R - C) / M.

C is the risk without the fluctuations of the features (`shared="samples"` of `rfgen.theory.risk`, `augmented_risk`,
`trajectory`).  For one ridge regression it is n (bias + noise) / (n - df2) at the gamma of one model: the risk of kernel
ridge regression at the effective ridge gamma (n - df1), larger than the ridge.  (Derived; the parts are those of
arXiv 2011.03321.)  Equations: theory (8.1), (8.4) and (8.6).
"""

__all__ = ["AVERAGED", "ensemble"]

from typing import Any

import numpy as np

# Quadratic in the prediction; all else is as of one member.
AVERAGED = ("test", "train", "variance", "data_variance", "features_variance", "initial_variance", "noise", "amplification")


def ensemble(single: dict[str, Any], pair: dict[str, Any], members: Any) -> dict[str, Any]:
    """The observables of an ensemble of `members` >= 1 (inf: of infinitely many), from those of one model and of a pair.

    `single`, `pair`: observables by name, arrays that broadcast against `members`, from one of the functions above with
    `shared` "all" and "samples".  What is not quadratic in the prediction is that of one member: `norm` is the mean squared
    weights of a member, which are those of the ensemble as one model with all members' features.

    Exact where the functions are; inf where one model diverges and `members` is finite.

    >>> import jax, rfgen
    >>> from rfgen.theory.ridge.risk import risk
    >>> task = rfgen.Task.power_law(alpha=1.5, beta=1.5, noise=0.5, modes=2000)
    >>> with jax.enable_x64(True):
    ...     one, two = (vars(risk(task.modes, 256, 300, 1e-3, 0.5, shared)) for shared in ("all", "samples"))
    ...     risks = [float(ensemble(one, two, members)["test"]) for members in (1, 5, float("inf"))]
    >>> [round(each, 4) for each in risks]
    [3.5417, 1.5122, 1.0048]
    """
    share = 1.0 / np.asarray(members, dtype=np.float64)

    def weighed(weight: Any, value: Any) -> Any:
        # 0 of an infinite risk is none
        return np.where(weight == 0.0, 0.0, weight * np.where(weight == 0.0, 0.0, np.asarray(value)))

    mixed = {name: weighed(share, single[name]) + weighed(1.0 - share, pair[name]) for name in AVERAGED if name in single}
    return {**single, **mixed}
