"""How far theory is off at finite size: the numbers in `rfgen.api.finite_size`, by simulations in plain NumPy.

    python tests/benchmarks/finite_size.py          three minutes on a core

Each line: the error measured of what the curve tells, its standard error, and the figure that the curve gives.
"""

__all__: list[str] = []

import warnings

import jax.numpy as jnp
import numpy as np
from scipy.special import eval_gegenbauer, roots_jacobi

import rfgen as rg

TRIALS, TEST = 40, 400


def laplace(t):
    return jnp.exp(-jnp.sqrt(jnp.maximum(2.0 - 2.0 * t, 0.0)))


KERNELS = {
    "laplace": laplace, "tangent": rg.NTK("relu"), "gauss": lambda t: jnp.exp(4.0 * (t - 1.0)),
    "t + t^2": lambda t: t + t * t,
}
ACTIVATIONS = {
    "exp": jnp.exp, "t^2": jnp.square, "t^3": lambda t: t**3, "cosh": jnp.cosh, "t + t^3/3": lambda t: t + t**3 / 3.0,
    "relu": "relu", "tanh": "tanh",
}


def sign_power(dim, degrees):
    """Power of the sign of a coordinate in each degree."""
    t, w = roots_jacobi(2000, (dim - 3) / 2, (dim - 3) / 2)
    power = np.zeros(degrees + 1)
    for k in range(1, degrees + 1, 2):
        p = np.cos(k * np.arccos(t)) if dim == 2 else eval_gegenbauer(k, dim / 2 - 1, t)
        power[k] = (w @ (np.sign(t) * p)) ** 2 / (w @ p**2) / w.sum()
    return power


def points(random, count, dim):
    x = random.normal(size=(count, dim))
    return x / np.linalg.norm(x, axis=1, keepdims=True)


def on_the_sphere(dim, name, target, n, ridges, degrees):
    """Of the risk without noise, and of what noise of variance 1 adds."""
    kernel, random = KERNELS[name], np.random.default_rng(0)
    power = np.eye(degrees + 1)[1] if target == "one degree" else sign_power(dim, degrees)
    rest = 1.0 - power.sum()
    curve = rg.predict(rg.Task.sphere(dim, kernel, power, degrees=degrees), rg.Learner(rg.Ridge(ridges)), n)
    clean, added = np.zeros((TRIALS, len(ridges))), np.zeros((TRIALS, len(ridges)))
    for trial in range(TRIALS):
        x, z = points(random, n, dim), points(random, TEST, dim)
        y, truth = (v[:, 0] * dim**0.5 if target == "one degree" else np.sign(v[:, 0]) for v in (x, z))
        gram, cross = (np.asarray(kernel(np.clip(v @ x.T, -1.0, 1.0)), np.float64) for v in (x, z))
        values, vectors = np.linalg.eigh(gram)
        for number, ridge in enumerate(ridges):
            smoother = cross @ vectors / (np.maximum(values, 0.0) + ridge + 1e-11)
            clean[trial, number] = np.mean((truth - smoother @ (vectors.T @ y)) ** 2)
            added[trial, number] = np.mean(np.sum(smoother**2, axis=1))
    for number, ridge in enumerate(ridges):
        at = curve.isel(ridge=number)
        more, share = float(at.amplification) - 1.0, 1.0 - 1.0 / float(at.amplification)
        said = " ".join(
            f"{label} {values[:, number].mean() / theory - 1.0:+.3f} "
            f"({values[:, number].std() / TRIALS**0.5 / theory:.3f}; {figure:.3f})"
            for label, values, theory, figure in (
                ("clean", clean, float(at.test) + rest, float(at.finite_size_bias)),
                ("noise", added, more, float(at.finite_size_noise) / share),
            )
        )
        print(f"sphere d={dim} {name}, {target}, n={n}, ridge={ridge:g}: s={share:.2f} {said}", flush=True)


def activations(dim=100, n=200, features=300, ridges=(0.01, 1.0)):
    """Times d."""
    for name, activation in ACTIVATIONS.items():
        task = rg.Task.gaussian_inputs(np.ones(dim), activation, np.full(dim, 1 / dim), noise=0.1, test_points=600)
        learner = rg.Learner(rg.Ridge([*ridges]), features=features)
        curve, runs = rg.predict(task, learner, n), rg.simulate(task, learner, n, trials=TRIALS)
        off, error, train = (
            (dim * part).values.round(1)
            for part in (runs.test / curve.test - 1, runs.test_se / curve.test, runs.train / curve.train - 1)
        )
        figure = (dim * curve.finite_size).values.round(1)
        print(f"{name}: A={curve.amplification.values.round(2)} test {off} ({error}; {figure}) train {train}", flush=True)


def main():
    """All of it."""
    warnings.simplefilter("ignore")
    for dim, degrees in ((2, 200), (3, 120), (4, 60), (6, 40)):
        for name in ("laplace", "tangent", "gauss"):
            for target in ("one degree", "sign"):
                on_the_sphere(dim, name, target, 160, [0.0 if name != "gauss" else 1e-3, 0.03, 1.0], degrees)
    for dim in (6, 10, 20):
        on_the_sphere(dim, "t + t^2", "one degree", dim * (dim + 1) // 2, [1e-3, 0.1], 5)
    activations()


if __name__ == "__main__":
    main()
