"""The pattern form of THEORY.md section 4 in plain numpy: dense matrices and loops over patterns, written for clarity.

Each of n samples gives m views by a pattern: with `probability`, `second[k, l]` is E[u_k u_l'] (p, p), `cross[k, l]`
is E[u_k y_l] (p,) and `labels[k, l]` is E[y_k y_l], label noise included.  The objective is the mean over samples and
views of (y_k - u_k . w)^2, plus (ridge / n) |w|^2, for weights on k random features (inf: the kernel itself).
"""

import itertools

import numpy as np

__all__ = ["linear_patterns", "pattern_risk"]


def linear_patterns(probability, gains, noises, label, views, covariance, teacher, noise):
    """Every combination of `views` views u = gains[a] x + N(0, noises[a]), y = label[a] (teacher . x + noise)."""
    patterns = []
    for drawn in itertools.product(range(len(probability)), repeat=views):
        second, cross = np.empty((2, views, views), dtype=object)
        labels = np.empty((views, views))
        for k, a in enumerate(drawn):
            for row, b in enumerate(drawn):
                second[k, row] = gains[a] @ covariance @ gains[b].T + (k == row) * noises[a]
                cross[k, row] = gains[a] @ covariance @ teacher * label[b]
                labels[k, row] = label[a] * label[b] * (teacher @ covariance @ teacher + noise)
        patterns.append(dict(probability=np.prod(probability[list(drawn)]), second=second, cross=cross, labels=labels))
    return patterns


def pattern_risk(patterns, n, k, ridge, population):
    """Test risk on `population` (covariance, teacher, noise), train, norm, nu; ridge > 0."""
    views, identity = len(patterns[0]["labels"]), np.eye(len(population["teacher"]))
    pairs = list(itertools.product(range(views), repeat=2))
    # views of a sample enter the equilibrium symmetrically: stack them for speed
    stacks = [np.array([[one["second"][a, b] for b in range(views)] for a in range(views)]) for one in patterns]
    nu = ridge / n
    excess = [np.zeros((views, views)) for _ in patterns]
    for _ in range(100_000):
        reductions = [np.linalg.inv(np.eye(views) + D) for D in excess]
        M = sum(one["probability"] / views * np.einsum("kl,klij->ij", V, stack)
                for one, V, stack in zip(patterns, reductions, stacks, strict=True))
        M = (M + M.T) / 2
        Q = np.linalg.inv(M + nu * identity)
        before, nu = (excess, nu), ridge / n + nu * np.trace(M @ Q) / k
        excess = [np.einsum("klij,ji->kl", stack, Q) / (n * views) for stack in stacks]
        gap = max(np.max(np.abs(new - old)) / np.max(new) for new, old in zip(excess, before[0], strict=True))
        if max(gap, abs(nu / before[1] - 1)) < 1e-14:
            break
    else:
        raise ArithmeticError(f"no fixed point: the last step was {gap:.1e}")
    mean = np.zeros(len(identity))
    for one, V in zip(patterns, reductions, strict=True):
        for a, b in pairs:
            mean += Q @ (one["probability"] / views * V[a, b] * one["cross"][a, b])

    # unknowns: T of every pattern and pair of views, then alpha; sources: the E that a unit of each makes
    places = [(number, *pair) for number in range(len(patterns)) for pair in pairs]
    sources = []
    for number, a, b in places:
        weight = patterns[number]["probability"] / (n * views**2)
        V = reductions[number]
        sources.append(weight * np.einsum("k,l,klij->ij", V[:, a], V[:, b], stacks[number]))
    sources.append(nu**2 / k * identity)
    spreads = np.array([Q @ source @ Q for source in sources])
    matrix, constant = np.zeros((len(sources), len(sources))), np.zeros(len(sources))
    for row, (number, a, b) in enumerate(places):
        one = patterns[number]
        constant[row] = (
            one["labels"][a, b] - one["cross"][a, b] @ mean - one["cross"][b, a] @ mean + mean @ one["second"][a, b] @ mean
        )
        matrix[row] = np.einsum("ij,sji->s", one["second"][a, b], spreads)
    constant[-1] = mean @ mean
    matrix[-1] = np.trace(spreads, axis1=1, axis2=2)
    matrix[-1, -1] = np.trace(M @ Q @ M @ Q) / k
    unknowns = np.linalg.solve(np.eye(len(sources)) - matrix, constant)

    train = 0.0
    for one, V, T in zip(patterns, reductions, unknowns[:-1].reshape(-1, views, views), strict=True):
        train += one["probability"] / views * np.trace(V @ T @ V.T)
    error = mean - population["teacher"]
    spread = np.einsum("s,sij->ij", unknowns, spreads)
    bias = error @ population["covariance"] @ error
    return {
        "test": population["noise"] + bias + np.trace(population["covariance"] @ spread),
        "bias": bias, "train": train, "norm": unknowns[-1], "nu": nu,
    }
