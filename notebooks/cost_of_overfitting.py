# ---
# jupyter:
#   jupytext:
#     text_representation:
#       extension: .py
#       format_name: percent
#   kernelspec:
#     display_name: Python 3
#     name: python3
# ---

# %% [markdown]
# # What does interpolation cost?
#
# Set the ridge to 0 and fit noisy labels exactly: how much worse is the test risk than at the best ridge? The *cost of
# overfitting* is that ratio. It depends on the target, but never exceeds the *overfitting coefficient* $E_0$, which depends on
# the spectrum and the number of samples alone:
# $$E_0=\frac{n}{n-\sum_i L_i^2},\qquad L_i=\frac{\lambda_i}{\lambda_i+\kappa},\qquad \sum_i L_i=n .$$

# %%
import matplotlib.pyplot as plt
import numpy as np

import rfgen as rg

rg.cache_programs()

# %% [markdown]
# ## Tempered, benign, catastrophic
# Power laws cost a constant in the limit, their exponent; spectra close to $1/i$ cost nothing; exponential ones cost without
# bound. `overfitting_cost` says which, with its evidence: exact for named infinite spectra.

# %%
n = np.geomspace(3, 3000, 16)
spectra = {
    "power law, 1.5": (rg.Spectrum.power_law(1.5), n),
    "log power law, 2": (rg.Spectrum.log_power_law(2.0), n),
    "exponential, 0.1": (rg.Spectrum.exponential(0.1), n[n < 300]),
}
fig, ax = plt.subplots()
for name, (spectrum, sizes) in spectra.items():
    task = rg.Task(spectrum, spectrum.power_law_target(1.6), noise=0.3)
    at = rg.overfitting_cost(task, sizes)
    (line,) = ax.loglog(sizes, at.overfitting_coefficient, "--")
    ax.loglog(sizes, at.cost, color=line.get_color(), label=name)
    print(f"{name}: {at.attrs['verdict']}. {at.attrs['evidence']}")
    assert (at.cost <= at.overfitting_coefficient * (1 + 1e-10)).all()
ax.set(xlabel="samples n", ylabel="cost (solid), E0 (dashed)", ylim=(0.95, 40))
ax.legend()
plt.show()

# %% [markdown]
# ## Pure noise attains it, easy targets cost nothing
# With more label noise the cost rises from 1 to $E_0$. For an easy target and little noise no ridge does better than
# interpolation: `best_ridge` is 0. One task with several outputs holds all noise levels.

# %%
clean = rg.Task.power_law(alpha=1.5, beta=2.5)
noise = np.geomspace(1e-4, 10, 13)
many = rg.Task(clean.spectrum, np.repeat(clean.power, noise.size, axis=0), noise, keep_outputs=True)
at = rg.overfitting_cost(many, n=100)
for variance, ridge, cost in zip(noise[::3], at.best_ridge.values[::3], at.cost.values[::3], strict=True):
    print(f"noise {variance:8.2g}   best ridge {ridge:8.2g}   cost {cost:.3f}")
print(f"E0 {float(at.overfitting_coefficient):.3f}")
nothing = rg.Task(clean.spectrum, 0 * clean.power[0], noise=1.0)
pure = rg.overfitting_cost(nothing, n=100)
assert abs(float(pure.cost / pure.overfitting_coefficient) - 1) < 1e-10 and np.isinf(pure.best_ridge)

# %% [markdown]
# The simulation agrees: on pure noise the ridgeless risk is $E_0$.

# %%
print(rg.check(nothing, rg.Learner(rg.Ridge(0.0)), n=[30, 100], trials=10, variables="test"))

# %% [markdown]
# ## A bound from effective ranks
# Without solving anything: $E_0\le(1-k/n)^{-2}(1-n/R_k)^{-1}$ for every $k<n<R_k$, $R_k$ the effective rank of the modes beyond
# $k$. `bound` is the best over $k$, `bound_k` that $k$.

# %%
at = rg.overfitting_cost(rg.Task.power_law(1.1, 1.5, noise=0.3), n=[10, 100, 1000])
print(at[["overfitting_coefficient", "bound", "bound_k", "k_over_r"]].to_dataframe().round(3))

# %% [markdown]
# ## Multiple descent on the sphere
# A smooth kernel on the sphere learns one degree of harmonics after the other; $E_0$ peaks as $n$ passes the number of harmonics.

# %%
sizes = np.geomspace(5, 5000, 32)
at = rg.overfitting_cost(rg.Task.sphere(40, rg.GaussianKernel(3.0), {1: 1.0}, noise=0.2, degrees=8), sizes)
fig, ax = plt.subplots()
ax.semilogx(sizes, at.overfitting_coefficient, "--", label="E0")
ax.semilogx(sizes, at.cost, label="cost, linear target")
for count in (41, 860):
    ax.axvline(count, color="0.8")
ax.set(xlabel="samples n", title="dimension 40")
ax.legend()
plt.show()

# %% [markdown]
# ## Real images
# The digits with the tangent kernel of a two-layer ReLU network. A finite population has a rank; below it the verdict is a
# trend, and says so.

# %%
X, y = rg.datasets.digits()
unit = X / np.linalg.norm(X, axis=1, keepdims=True)
digits = rg.Task.from_kernel(rg.NTK("relu", depth=2)(np.clip(unit @ unit.T, -1, 1)), y, sampling="with replacement")
at = rg.overfitting_cost(digits, n=[20, 50, 100, 150])
print(at[["cost", "overfitting_coefficient", "bound", "best_ridge"]].to_dataframe().round(3))
print(at.attrs["verdict"], "-", at.attrs["evidence"])

# %% [markdown]
# ## Random features
# With `features` the coefficient is that of the ridgeless engine, $E_0 + n/(k-n)$ for $k>n$ features: infinite at $k=n$.

# %%
task = rg.Task.power_law(1.5, 1.5, noise=0.3)
at = rg.overfitting_cost(task, n=100, features=[50, 100, 200, 1000, 10_000])
print(at[["cost", "amplification"]].to_dataframe().round(3))
