"""Thirty data sets that a formula for exchangeable, well-spread rows may fail on, and some that it may not."""

__all__ = ["rows_of_kinds"]

import numpy as np
from sklearn.datasets import load_breast_cancer, load_diabetes, load_digits, load_iris, load_wine
from sklearn.preprocessing import StandardScaler


def rows_of_kinds(count, seed):
    """{name: (inputs (count, p), labels (count,))}; the same law for another `seed`."""
    random = np.random.default_rng(seed)
    normal = random.normal
    found = {}

    def shipped(name, inputs, labels):
        order = random.permutation(len(labels))[:count]
        found[name] = StandardScaler().fit_transform(np.asarray(inputs, float))[order], np.asarray(labels, float)[order]

    shipped("table of 10", *load_diabetes(return_X_y=True))
    shipped("table of 30", *load_breast_cancer(return_X_y=True))
    shipped("table of 13", *load_wine(return_X_y=True))
    shipped("table of 4", *load_iris(return_X_y=True))
    pixels, digit = load_digits(return_X_y=True)
    order = random.permutation(len(digit))[:count]
    found["images, parity"] = pixels[order] / 16.0 - 0.3, digit[order] % 2 * 2.0 - 1.0
    found["images, one of ten"] = pixels[order] / 16.0 - 0.3, (digit[order] == 3) * 2.0 - 1.0

    smooth, noise = normal(size=(count, 10)), normal(size=count)
    signal = np.sin(smooth[:, 0]) + 0.5 * smooth[:, 1] * smooth[:, 2]
    found["smooth"] = smooth, signal + 0.3 * noise
    found["smooth, no noise"] = smooth, signal
    found["pure noise"] = smooth, noise
    found["labels of long tails"] = smooth, signal + random.standard_t(2.1, count)
    found["outliers in labels"] = smooth, signal + 0.2 * noise + 15.0 * (random.uniform(size=count) < 0.03)
    found["uneven noise"] = smooth, signal + noise * np.exp(smooth[:, 3]) * 0.3
    found["a rare class"] = smooth, np.where(smooth[:, 0] > 1.3, 1.0, -1.0)
    found["elliptic"] = smooth * np.exp(0.8 * normal(size=(count, 1))), signal + 0.3 * noise
    wide = normal(size=(count, 500))
    found["more columns than rows"] = wide, wide[:, :20].sum(axis=1) / 4.0 + 0.5 * noise
    words = random.poisson(3.0 * random.gamma(0.3, size=(count, 200)) / np.arange(1, 201) ** 0.7).astype(float)
    found["counts of words"] = np.log1p(words), np.log1p(words[:, :5]).sum(axis=1) + 0.3 * noise
    place = random.integers(0, 4, count)
    mixed = normal(size=(4, 12))[place] * 2.0 + normal(size=(count, 12))
    found["mixture"] = mixed, (place % 2) * 2.0 - 1.0 + 0.3 * noise

    line = random.uniform(-1.0, 1.0, (count, 1))
    found["a line"] = line, np.sin(4.0 * line[:, 0]) + 0.1 * noise
    found["a line, steps"] = line, np.sign(np.sin(9.0 * line[:, 0]))
    plane = random.uniform(-1.0, 1.0, (count, 2))
    found["a plane"] = plane, np.sin(3.0 * plane[:, 0]) * plane[:, 1] + 0.1 * noise
    found["a plane, no noise"] = plane, np.sin(3.0 * plane[:, 0]) * plane[:, 1]
    turn = 1.5 * np.pi * (1.0 + 2.0 * random.uniform(size=count))
    roll = np.stack([turn * np.cos(turn), 5.0 * random.uniform(size=count), turn * np.sin(turn)], axis=1) / 6.0
    found["a surface"] = roll, np.sin(turn) + 0.1 * noise

    half = smooth[: count // 2]
    found["all rows twice"] = np.concatenate([half, half])[:count], np.tile(signal[: count // 2], 2) + 0.2 * noise
    near = half + 0.01 * normal(size=half.shape)
    found["nearly all rows twice"] = np.concatenate([half, near]), np.tile(signal[: count // 2], 2) + 0.2 * noise
    tenth = np.where((np.arange(count) % 10 == 0)[:, None], np.roll(smooth, 1, axis=0), smooth)
    found["a tenth of rows twice"] = tenth, signal + 0.2 * noise
    heaps = normal(size=(count // 5, 10))
    heaped = np.repeat(heaps, 5, axis=0)
    found["heaps of five"] = heaped + 0.05 * normal(size=(count, 10)), heaped[:, 0] + 0.1 * noise
    far = np.where((random.uniform(size=count) < 0.03)[:, None], 6.0, 0.0)
    found["a far cluster"] = smooth + far, signal + far[:, 0] + 0.2 * noise
    names = (12.0 * random.uniform(size=(count, 3)) ** 3).astype(int)
    hot = (names[:, :, None] == np.arange(12)).reshape(count, -1).astype(float)
    found["categories"] = hot, normal(size=36)[names + 12 * np.arange(3)].sum(axis=1) + 0.3 * noise
    lattice = np.stack([np.arange(count) // 13, np.arange(count) % 13], axis=1).astype(float)
    found["a lattice"] = lattice / 13.0, np.sin(lattice[:, 0] / 2.0) + np.cos(lattice[:, 1] / 3.0) + 0.1 * noise
    times = np.arange(count)[:, None] / count
    found["a walk in time"] = times, np.cumsum(noise) / count**0.5
    return found
