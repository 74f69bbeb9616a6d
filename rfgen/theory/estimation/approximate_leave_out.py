"""Leave-one-out without refits for losses that are not squares: one Newton's step from the fit to all rows.

A fit minimises sum_i l_i(f_i) + (ridge/2)|w|^2, f = Z w.  Without row i its gradient at w is -l_i' z_i and its Hessian
H - l_i'' z_i z_i', H = Z' diag(l'') Z + ridge; one step from w leads to

    f_i without row i  =  f_i + h_i l_i' / (1 - l_i'' h_i),        h_i = z_i' H^-1 z_i.

Exact for squares, where h_i is the leverage.  Of the lasso Z are the active columns, as if these stayed the active ones
without the row.
"""

__all__ = ["approximately_left_out"]

from typing import Any

import numpy as np

# A row that its own fit determines to this is not known by the others.
OWN = 1e-9


def approximately_left_out(
    rows: np.ndarray, fitted: np.ndarray, slopes: np.ndarray, bends: np.ndarray, ridge: Any, intercept: bool
) -> np.ndarray:
    """Fitted values (n,) of each row without itself; NaN where the others do not determine it.

    Parameters: `rows` Z (n, p), of a lasso the active columns; `fitted` f (n,); `slopes` l' and `bends` l'' >= 0 (n,) of
    each row's loss there; `ridge` >= 0, unnormalised; `intercept`: fitted, not penalised.

    Regime: smooth losses and n of the order of p, at an error that falls as 1/n.  Source: Rad and Maleki, arXiv 1801.10243,
    eq. 8; for the lasso also Wang et al., arXiv 1807.02694.

    >>> rows, labels = np.array([[1.0], [2.0], [2.0]]), np.array([1.0, 2.0, 3.0])  # slopes without each: 5/4, 7/5, 1
    >>> fitted = rows[:, 0] * 11 / 9
    >>> approximately_left_out(rows, fitted, fitted - labels, np.ones(3), 0.0, intercept=False).round(9).tolist()
    [1.25, 2.8, 2.0]
    """
    n, p = rows.shape
    penalised = np.full(p, float(ridge))
    if intercept:
        rows, penalised = np.hstack([rows, np.ones((n, 1))]), np.append(penalised, 0.0)
    if not rows.shape[1]:
        return fitted
    stacked = np.vstack([np.sqrt(bends)[:, None] * rows, np.diag(np.sqrt(penalised))])
    factor = np.asarray(np.linalg.qr(stacked, mode="r"))
    try:
        own = np.sum(np.linalg.solve(factor.T, rows.T) ** 2, axis=0)
    except np.linalg.LinAlgError:
        return np.full(n, np.nan)
    left = 1.0 - bends * own
    return np.where(left > OWN, fitted + own * slopes / np.where(left > OWN, left, 1.0), np.nan)
