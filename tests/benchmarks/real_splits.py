"""The truth that own data are compared to: means over real splits, every ridge from one decomposition a split."""

__all__ = ["gaussian", "laplace", "linear", "network", "scaled", "split_risks"]

import numpy as np

import rfgen as rg


def laplace(x, z, width=1.0):
    """exp(-|x - z|/(width sqrt(p)))."""
    return np.exp(-np.sqrt(np.maximum(np.sum((x[:, None] - z) ** 2, axis=2), 0.0) / x.shape[1]) / width)


def gaussian(x, z, width=1.0):
    """exp(-|x - z|^2/(2 p width^2))."""
    return np.exp(-np.sum((x[:, None] - z) ** 2, axis=2) / (2.0 * x.shape[1] * width**2))


def linear(x, z):
    """x.z/p."""
    return x @ z.T / x.shape[1]


def network(x, z):
    """The tangent kernel of a network of two hidden layers, of inputs on the sphere."""
    x, z = (each / np.linalg.norm(each, axis=1, keepdims=True) for each in (x, z))
    return np.asarray(rg.NTK("relu", depth=2)(x, z))


def scaled(matrix):
    """K with a mean diagonal of 1, exactly symmetric."""
    return (matrix + matrix.T) * (0.5 * len(matrix) / np.trace(matrix))


def split_risks(kernel, labels, n, ridges, splits, seed=0):
    """Test and training error (splits, ridges) and which rows were held out (splits, N), with an intercept.

    `labels` (N, outputs), summed over.  Ridge 0: the least-norm fit, ranks told apart at 1e-12 of the largest eigenvalue.
    """
    count, test, train, held = len(kernel), [], [], []
    for split in range(splits):
        drawn = np.random.default_rng([seed, int(n), split]).permutation(count)
        own, rest = drawn[:n], drawn[n:]
        means, level = kernel[own].mean(axis=0), labels[own].mean(axis=0)
        inner = kernel[np.ix_(own, own)] - means[own] - means[own][:, None] + means[own].mean()
        across = kernel[np.ix_(rest, own)] - means[own] - means[rest][:, None] + means[own].mean()
        values, vectors = np.linalg.eigh(inner)
        kept = values > 1e-12 * max(values[-1], 1e-300)
        values, vectors = values[kept], vectors[:, kept]
        along, reached = vectors.T @ (labels[own] - level), across @ vectors
        fits = (along[..., None] / (values[:, None] + np.asarray(ridges))[:, None, :]).reshape(len(values), -1)
        shape = (labels.shape[1], len(ridges))
        missed = (labels[rest] - level)[..., None] - (reached @ fits).reshape(len(rest), *shape)
        left = (labels[own] - level)[..., None] - ((vectors * values) @ fits).reshape(n, *shape)
        test.append(np.sum(missed**2, axis=1).mean(axis=0))
        train.append(np.sum(left**2, axis=1).mean(axis=0))
        held.append(np.isin(np.arange(count), rest))
    return np.array(test), np.array(train), np.array(held)
