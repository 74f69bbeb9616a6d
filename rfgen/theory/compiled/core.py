"""The traces of one resolvent: Newton's method in their logarithms along a homotopy in the shift: theory (14.5).

A shift added to every inverse makes the equations a contraction when it is large; from there it is walked down to 0 by
steps that Newton's method can follow, predicted linearly in the logarithms, in which the traces keep their signs.  What has
no ridge of its own ends at a shift `VANISHING`, its limit.
"""

__all__ = ["BRANCH", "CLOSE", "LARGEST_STEP", "VANISHING", "UnsolvedError", "continued", "solve_core", "start_core"]

from collections.abc import Callable

import numpy as np

from rfgen.theory.compiled.system import System

# The shift that stands for a ridge of 0, relative to the largest eigenvalue: nothing is lost in logarithms.
VANISHING = 1e-30
STEPS, ITERATIONS, LARGEST_STEP = 300, 40, 2.0
# Newton's method converges quadratically: a step of this size was the last.
CLOSE = 1e-10
# The spectral radius of the derivatives of the logarithms at a solution is below 1 on the branch of positive matrices (at
# most .77 in 104 cores of random expressions, 1.43 to 10 at their other solutions), and 1 at a peak.
BRANCH = 1.0 + 1e-6
# How far logarithms may lie from what was predicted, on one step between complex ridges.
NEAR = 0.3


class UnsolvedError(Exception):
    """A core that was not solved, with the reason."""


def solve_core(system: System, least: float, end: float, near: np.ndarray | None = None) -> tuple[np.ndarray, float]:
    """The traces of a core at the shift `end`, and the largest relative residual.

    `least`: the smallest ridge, 0 if there is an inverse without; `near`: traces at a point nearby, from which a few steps
    may lead to those here.  UnsolvedError where the walk stops before, or ends on another branch.
    """
    if near is not None:
        found = _newton(system, end, np.sign(near), np.log(np.abs(near)))
        if found is not None and _radius(found[3]) < BRANCH:
            return np.sign(near) * np.exp(found[0]), found[1]
    shift, signs, logs = start_core(system)
    before: tuple[float, np.ndarray] | None = None
    factor, residual, slopes = 0.1, np.inf, np.zeros((1, 1))
    for _ in range(STEPS):
        if shift == end:
            if (radius := _radius(slopes)) >= BRANCH:
                raise UnsolvedError(f"spectral radius {radius:.6g} of the traces: another branch, outside the domain")
            return signs * np.exp(logs), residual
        target = shift * factor
        target = end if target <= max(0.1 * least, end) else target
        guess = logs
        if before is not None and target > 0.0:
            guess = logs + (logs - before[1]) * (np.log(target / shift) / np.log(shift / before[0]))
        found = _newton(system, target, signs, guess)
        if found is None and before is not None:
            found = _newton(system, target, signs, logs)
        if found is None:
            factor = factor**0.5
            if factor > 0.999:
                break
            continue
        if found[2] <= 5:
            factor = max(factor * factor, 1e-4)
        before, shift = (shift, logs), target
        logs, residual, _, slopes = found
    raise UnsolvedError(f"the homotopy stopped at shift {shift:.2g}: no finite limit, or outside the domain")


def continued(bound: Callable[[complex], System], ridges: np.ndarray, least: float, end: float) -> tuple[np.ndarray, float]:
    """The traces (ridges, traces) of a core at complex ridges in their order, and the largest residual.

    `bound(ridge)`: the core there.  From the real part of the first ridge, > 0, on straight lines from each to the next, in
    steps on which the logarithms move little; predicted from the step before.
    """
    here = complex(ridges[0].real)
    start, worst = solve_core(bound(here.real), min(least, here.real) if least > 0.0 else here.real, end)
    signs, logs, before = np.sign(start), np.log(np.abs(start)).astype(complex), None
    found = []
    for ridge in ridges:
        step = 1.0
        while here != ridge:
            target = ridge if step == 1.0 else here + step * (ridge - here)
            guess = logs
            if before is not None:
                guess = logs + (logs - before[1]) * (np.log(target / here) / np.log(here / before[0]))
            solved = _newton(bound(target), end, signs, guess)
            if solved is None or np.max(np.abs(solved[0] - guess)) > NEAR:
                step *= 0.5
                if step < 1e-3:
                    raise UnsolvedError(f"the continuation stopped at the ridge {here:.3g}")
                continue
            before, here, logs = (here, logs), target, solved[0]
            worst, step = max(worst, solved[1]), 1.0
        found.append(signs * np.exp(logs))
    return np.array(found), worst


def start_core(system: System) -> tuple[float, np.ndarray, np.ndarray]:
    """A shift that makes a contraction, and the solution there by signs and logarithms."""
    shift = 1.0
    while shift < 1e200:
        traces, _ = system.right_sides(np.zeros(len(system.traces)), shift)
        for _ in range(40):
            before = traces
            traces, _ = system.right_sides(before, shift)
            with np.errstate(all="ignore"):
                change = np.max(np.abs(traces / before - 1.0))
            if change <= 1e-3:  # not while traces between resolvents are still 0
                break
        if change <= 1e-3 and np.all(traces != 0.0):
            signs = np.sign(traces)
            found = _newton(system, shift, signs, np.log(np.abs(traces)))
            if found is not None:
                return shift, signs, found[0]
        shift *= 100.0
    raise UnsolvedError("no shift makes a contraction")


def _radius(slopes: np.ndarray) -> float:
    return float(np.max(np.abs(np.linalg.eigvals(slopes))))


def _newton(
    system: System, shift: float, signs: np.ndarray, logs: np.ndarray
) -> tuple[np.ndarray, float, int, np.ndarray] | None:
    """Logarithms, the residual, the iterations that it took, derivatives of the logarithms of the right sides by those of
    the traces; None where it leads nowhere.
    """
    identity = np.eye(len(signs))
    with np.errstate(all="ignore"):
        for iteration in range(ITERATIONS):
            unknowns = signs * np.exp(logs)
            traces, slopes = system.right_sides(unknowns, shift)
            ratio = traces / unknowns
            if not (np.all(np.isfinite(ratio)) and np.all(ratio.real > 0.0)):
                return None
            residual = np.log(ratio)
            try:
                slopes = slopes * unknowns / traces[:, None]
                step = np.linalg.solve(identity - slopes, residual)
            except np.linalg.LinAlgError:
                return None
            size = np.max(np.abs(step))
            if not np.isfinite(size):
                return None
            logs = logs + step * min(1.0, LARGEST_STEP / size)
            if size < CLOSE:
                return logs, float(np.max(np.abs(residual))), iteration, slopes
    return None
