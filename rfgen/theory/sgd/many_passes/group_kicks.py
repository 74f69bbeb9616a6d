"""What the losses, the tests and the norm see of kicks of SGD where groups of rows have losses of their own.

A kick by group g has the covariance S_g, as weights that are fitted to unit noise on its labels alone have.  Of these the
error kernel tells  y = tr(E_j Q E Q)  for each pair of nodes, in proportion to mass V_g V_g' and to its covariance:
one solution serves all groups of one covariance.  With l^2 = n/weight the power of those labels,

    tr[S_h phi S_g phi] = mass_h (V_h V_h' covariance_h.y_g + (h = g) l^2 (V_g - 1)(V_g' - 1)),     y_g = mass_g V_g V_g' Y.

(Derived: theory (17.8).)
"""

__all__ = ["GroupKernels", "group_kernels", "kicks", "returned"]

from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from rfgen.equivalents.augmented.block_equilibrium import BlockEquilibrium
from rfgen.equivalents.targets import NoiseTarget
from rfgen.theory.dynamics.trajectory import kernels_of
from rfgen.theory.ridge.block_risk import AugmentedProblem
from rfgen.theory.sgd.stability import spectral_radius
from rfgen.theory.sgd.streaming.second_moments import Iteration

# Weight of the rows that stand for a penalty: nothing is learned of their labels, which have noise of 1 over it.
TINY = 1e-60
# Share of what returns that may come back in the last half of the steps that are summed.
LEFT = 1e-3


@dataclass(frozen=True)
class GroupKernels:
    """Of the groups' unit kicks, at nodes and their conjugates: `size` (G,) mass, `reduction` V (nodes, G), `change` V - 1,
    `power` l^2 (G,); `kind` (G,) of each group's covariance, `seen` (kinds, nodes, 2 nodes, tests + kinds) Y as the tests
    and the covariances see it, `length` (kinds, nodes, 2 nodes).
    """

    size: np.ndarray
    reduction: np.ndarray
    change: np.ndarray
    power: np.ndarray
    kind: np.ndarray
    seen: np.ndarray
    length: np.ndarray

    def losses(self, filters: np.ndarray, g: int, h: int, start: float = 0.0) -> np.ndarray:
        """What group h sees, (steps,), of weights `filters` (steps, nodes) of the kick of g; `start`: of its labels too."""
        tests = self.seen.shape[-1] - self.seen.shape[0]
        both = filters * (self.reduction[:, g] * self.reduction[:, h])
        found = self.size[h] * self.size[g] * _form(both, self.seen[self.kind[g], :, :, tests + self.kind[h]])
        if g == h:
            found += self.size[g] * self.power[g] * (start + 2.0 * np.real(filters @ self.change[:, g])) ** 2
        return found

    def tests(self, filters: np.ndarray, g: int) -> np.ndarray:
        """What the tests see, (tests, steps)."""
        count, own = self.seen.shape[-1] - self.seen.shape[0], filters * self.reduction[:, g]
        return self.size[g] * np.stack([_form(own, self.seen[self.kind[g], :, :, place]) for place in range(count)])

    def norm(self, filters: np.ndarray, g: int) -> np.ndarray:
        """Their squared weights (steps,)."""
        return self.size[g] * _form(filters * self.reduction[:, g], self.length[self.kind[g]])


def group_kernels(
    problem: AugmentedProblem, sizes: tuple[Any, Any], nodes: BlockEquilibrium, own: int, groups: np.ndarray,
    shared: str = "all",
) -> GroupKernels:
    """The kernels of the first `own` of the `nodes`, of kicks by `groups` (few,), which have a mass; `shared` as in
    `rfgen.theory.sgd.many_passes.group_losses`.
    """
    blocks, n = problem.blocks, float(sizes[0])
    mass, weight = np.asarray(blocks.mass), np.asarray(blocks.weight)
    covariance = np.asarray(blocks.covariance)[:, 0, 0]
    pinned = np.where(weight > 0.0, weight, TINY * n)
    kinds, kind = np.unique(covariance, axis=0, return_inverse=True)
    kind = np.ravel(kind)
    test = np.asarray(problem.target.test)
    coefficients = np.concatenate([test.reshape(test.shape[0], -1), kinds.T], axis=1)
    reduction = np.asarray(nodes.reduction)[:own, :, 0, 0]
    traces = np.asarray(blocks.of_tests(np.asarray(nodes.traces)))[:own]
    change = -reduction * (weight / n * (traces @ covariance.T))
    seen = np.zeros((len(kinds), own, 2 * own, coefficients.shape[1]), complex)
    length, half = np.zeros((len(kinds), own, 2 * own), complex), np.asarray(nodes.ridge).shape[0] + 1
    columns = np.concatenate([np.arange(own), half + np.arange(own)])
    for one in np.unique(kind[groups]):
        g = max((g for g in groups if kind[g] == one), key=lambda g: mass[g])
        label = np.zeros((mass.size, 1))
        label[g] = np.sqrt(n / pinned[g])
        probe = AugmentedProblem(
            problem.operators, replace(blocks, weight=pinned), NoiseTarget(label, coefficients), problem.null_power
        )
        found = kernels_of(probe, *sizes, nodes, shared)
        shape = mass[g] * reduction[:, g, None] * np.concatenate([reduction[:, g], reduction[:, g].conj()])
        seen[one] = found.spread[:own][:, columns, 1] / shape[..., None]
        length[one] = found.norm[:own][:, columns, 1] / shape
    return GroupKernels(mass, reduction, change, n / pinned, kind, seen, length)


def _form(filters: np.ndarray, kernel: np.ndarray) -> np.ndarray:
    """Quadratic forms (steps,) of `filters` (steps, nodes)."""
    both = np.concatenate([filters, filters.conj()], axis=1)
    return 2.0 * np.einsum("tb,tb->t", filters @ kernel, both).real


def kicks(iteration: Iteration, nodes: np.ndarray, steps: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """phi_r (steps, nodes) of the gradient's point and of the predictor, r `steps` after the kick."""
    still, gaze, kick = iteration.step(0)
    stays, h, g = (np.array(part, float) for part in (still, gaze, kick))
    step_of = stays - (nodes + float(iteration.ridge))[:, None, None] * np.outer(g, h)
    state, at = np.broadcast_to(g, (nodes.size, g.size)).astype(complex), 0
    ahead, moved = (np.zeros((steps.size, nodes.size), complex) for _ in range(2))
    for place, step in enumerate(steps):
        state = np.einsum("nij,nj->ni", np.linalg.matrix_power(step_of, int(step) - at), state)
        at = int(step)
        ahead[place], moved[place] = state @ h, state[:, 0]
    return ahead, moved


def returned(iteration: Iteration, edge: float, kernel: np.ndarray, coupling: np.ndarray) -> tuple[float, float]:
    """The share of the losses that returns (NaN if the run is too short to tell), and the growth per step in the end."""
    from scipy.optimize import brentq

    alone = float(spectral_radius(iteration, np.array([edge]), np.zeros(1))[0])
    if alone > 1.0:
        return np.inf, alone

    def share(z: float) -> float:
        each = kernel * z ** -np.arange(1.0, kernel.shape[-1] + 1.0)
        return float(np.abs(np.linalg.eigvals(each.sum(axis=-1) @ coupling)).max())

    mass, half = share(1.0), kernel[..., : kernel.shape[-1] // 2].sum(axis=-1) @ coupling
    settled = mass - float(np.abs(np.linalg.eigvals(half)).max()) < LEFT * mass
    if mass <= 1.0:
        return (mass if settled else np.nan), 1.0
    high = 2.0
    while share(high) > 1.0:
        high *= 2.0
    root: Any = brentq(lambda z: share(z) - 1.0, 1.0, high, xtol=1e-14)
    return mass, float(root)
