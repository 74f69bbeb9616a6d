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
# %% [markdown]
# # Why does the error peak, and what takes the peak away?
#
# Test error rises to a peak where a model has just enough parameters to fit its samples, then falls again. Here the peak is
# taken apart exactly: where it stands, how high and how wide it is, which part of the error makes it, and four ways to remove it.

# %%
import matplotlib.pyplot as plt
import numpy as np

import rfgen as rg

dim = 100
task = rg.Task.isotropic(dim, signal=1.0, noise=0.2)
n = np.unique(np.round(np.geomspace(20, 1000, 80)))

# %% [markdown]
# ## Height and width
# Linear regression on `dim` isotropic inputs, at ever smaller ridges. Near n = dim the equations of the effective ridge can be
# solved by hand: the height is `σ²/2 √(p/δ)`, and half of it is left at a distance `2 √(3 p δ)`. `rg.formula` has both.

# %%
ridges = np.array([1e-2, 1e-1, 1.0])
near = np.linspace(60, 140, 161)
curve = rg.predict(task, rg.Learner(rg.Ridge(ridges)), n=near)
rg.plot(curve, x="n")
plt.show()
height = rg.formula("isotropic peak height")(dim=dim, ridge=ridges, noise=0.2)
width = rg.formula("isotropic peak half-width")(dim=dim, ridge=ridges)
for ridge, tall, wide in zip(ridges, height, width, strict=True):
    at_peak = float(curve.test.sel(n=100, ridge=ridge))
    print(f"ridge {ridge:g}: height {at_peak:.3f}, by the formula {tall:.3f}; half of it at a distance of {wide:.1f}")
assert abs(float(curve.test.sel(n=100, ridge=1e-2)) / height[0] - 1.0) < 0.05

# %% [markdown]
# ## Which part peaks
# With random features the variance has three sources: samples, features, and label noise, and their interplay. The bias does not
# peak: the mean predictor is a ridge regression with an effective ridge of its own.

# %%
power_law = rg.Task.power_law(alpha=1.5, beta=1.5, noise=0.1)
parts = rg.fine_grained_variance(power_law, rg.Learner(rg.Ridge(1e-6), features=100), n=n)
fig, ax = plt.subplots(layout="constrained")
for name in parts.data_vars:
    if parts[name].dims == ("n",) and parts[name].dtype == float and name != "residual":
        ax.plot(n, parts[name], label=name)
ax.set(xscale="log", yscale="log", ylim=(1e-4, None), xlabel="samples n", ylabel="parts of the risk", title="100 random features")
ax.legend(frameon=False, fontsize="small")
plt.show()

# %% [markdown]
# ## Four ways to remove it
# The best ridge; an ensemble, each member with features of its own (it removes what the features' draw makes, not what the
# samples do); stopping gradient descent in time; augmentation with all views of a sample, which acts as a ridge (with few views
# the peak only moves: four views are four rows, and it stands at a quarter of the samples).

# %%
plain = rg.predict(power_law, rg.Learner(rg.Ridge(1e-6), features=100), n=n)
ridge = rg.optimal_ridge(power_law, rg.Learner(rg.Ridge(), features=100), n=n)
ensemble = rg.predict(power_law, rg.Learner(rg.Ridge(1e-6), features=100), n=n, members=10)
few = n[::8]
stopped = rg.optimal_stopping(power_law, rg.Learner(rg.GradientFlow(1.0), features=100), n=few)
masked = rg.predict(power_law, rg.Learner(rg.Ridge(1e-6), features=100, augmentation=rg.Mask(0.9, views=np.inf)), n=n)
fig, ax = plt.subplots(layout="constrained")
for text, at, found in (("ridge 1e-6", n, plain), ("best ridge", n, ridge), ("ten members", n, ensemble),
                        ("stopped in time", few, stopped), ("a tenth masked", n, masked)):
    ax.plot(at, found.test, label=text)
ax.set(xscale="log", yscale="log", xlabel="samples n", ylabel="test risk")
ax.legend(frameon=False)
plt.show()
at_peak = np.argmax(plain.test.values)
print(f"at n = {n[at_peak]:g}: {float(plain.test[at_peak]):.2f}, with the best ridge {float(ridge.test[at_peak]):.3f}")
assert float(ridge.test[at_peak]) < 0.2 * float(plain.test[at_peak])

# %% [markdown]
# ## Epochs too
# Along training the error of a noisy task may fall, rise and fall once more: modes of different eigenvalues are fitted at
# different times.

# %%
two = rg.Task([1.0, 0.01], [1.0, 1.0], noise=0.5, multiplicity=[50, 50])
times = np.geomspace(0.3, 1e5, 60)
along = rg.predict(two, rg.Learner(rg.GradientFlow(times)), n=120)
rg.plot(along, x="time", y=["test", "train"])
plt.show()

# %% [markdown]
# **To try:** `features=[50, 100, 200]`, and see where each peak stands; `noise=0`: is there a peak without label noise? Labels of
# the digits (`rg.datasets.digits`) with `rg.learning_curve`; `rg.explore` with the ridge under a slider.
