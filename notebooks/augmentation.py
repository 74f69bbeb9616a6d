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
# # Data augmentation, exactly
#
# Ridge regression on augmented data minimises
# $\sum_i \frac1m\sum_k (y_i - f(x_{ik}))^2 + \delta\|w\|^2$, where $x_{i1},\dots,x_{im}$ are random views of sample $i$.
# rfgen gives the test and training error of the result, on kernels and random features, for any augmentation; this
# notebook shows how, when two moments of the augmentation suffice, and when they do not.

# %%
import math
import warnings

import matplotlib.pyplot as plt
import numpy as np

import rfgen as rg

rg.cache_programs()

# %% [markdown]
# ## Views of Gaussian inputs
# On a `Task` an augmentation acts on the eigen-coordinates $x_i=\sqrt{\lambda_i}\,\varphi_i$. Arrays span the curve:
# here the number of views and of samples.

# %%
task = rg.Task.isotropic(100, signal=1.0, noise=0.2)
learner = rg.Learner(rg.Ridge(1e-2), augmentation=rg.GaussianNoise(0.5, views=[1, 4, math.inf]))
curve = rg.predict(task, learner, n=np.geomspace(10, 1000, 80))
runs = rg.simulate(task, learner, n=[40, 400], trials=8)
print(curve.attrs["form"], curve.attrs["augmentation"])
ax = rg.plot(curve, runs, x="n")
ax.set_title("noisy views of isotropic inputs, 100 dimensions")
plt.show()

# %% [markdown]
# With $m$ noisy views the interpolation peak moves to $n m = $ dimension. With infinitely many, noise of variance $s^2$ is
# exactly a ridge $n s^2$:

# %%
many = rg.predict(task, rg.Learner(rg.Ridge(0.0), augmentation=rg.GaussianNoise(0.25, views=math.inf)), n=200)
ridge = rg.predict(task, rg.Learner(rg.Ridge(200 * 0.25)), n=200)
print(float(many.test), float(ridge.test))
assert abs(float(many.test / ridge.test) - 1) < 1e-10

# %% [markdown]
# The best strength is found by the derivative through the equations; with infinitely many views it is the optimal ridge again.

# %%
best = rg.optimal_augmentation(task, rg.Learner(rg.Ridge(0.0), augmentation=rg.GaussianNoise(1.0, views=math.inf)), n=[50, 200])
print(best.view_variance.values * best.n.values, rg.optimal_ridge(task, rg.Learner(rg.Ridge()), n=[50, 200]).ridge.values)

# %% [markdown]
# ## Level sets: augmentation against ridge
# The test risk in the plane of ridge and masking rate: along a level set one buys the other.

# %%
spectrum = rg.Task.power_law(1.2, 1.4, noise=0.3, modes=300)
ridges, keeps = np.geomspace(1e-3, 10, 40), np.linspace(0.3, 1.0, 30)
plane = rg.predict(spectrum, rg.Learner(rg.Ridge(ridges), 200, rg.Mask(keeps, views=4)), n=120)
fig, ax = plt.subplots()
lines = ax.contour(ridges, 1 - keeps, plane.test.transpose("keep", "ridge").values, 12)
ax.clabel(lines)
ax.set(xscale="log", xlabel="ridge", ylabel="share masked", title="test risk, n = 120, 200 random features, 4 views")
plt.show()

# %% [markdown]
# ## Where two moments are not enough
# A random gain multiplies the whole view by one number: quadratic forms of the view do not concentrate, and an equation that
# knows only first and second moments is wrong. rfgen conditions on the *pattern* of gains instead; each augmentation
# declares which form it needs, and `form=` forces one.

# %%
gain = rg.Learner(rg.Ridge(0.5), augmentation=rg.Gain([0.4, 1.6], views=1))
right, wrong = rg.predict(task, gain, n=100), rg.predict(task, gain, n=100, form="moment")
measured = rg.simulate(task, gain, n=100, trials=20)
print(f"pattern {float(right.test):.3f}, moment {float(wrong.test):.3f}, "
      f"measured {float(measured.test):.3f} +- {float(measured.test_se):.3f}")

# %% [markdown]
# ## Real images, any function
# On a `DataTask` an augmentation acts on the inputs, the features are any map. Second moments are estimated once from
# independent views and serve every n, ridge and number of views. Your own augmentation is a function of a key and one input.

# %%
import jax  # noqa: E402

X, y = rg.datasets.digits()
digits = rg.DataTask(X, y, rg.RandomFeatureMap(100, "tanh", seed=0), sampling="with replacement")


def darker(key, x):
    """A random contrast for each row of the image."""
    rows = jax.random.uniform(key, (8, 1), dtype=x.dtype, minval=0.5)
    return (x.reshape(8, 8) * rows).reshape(-1)


for augmentation in (rg.Shift(1, views=4), rg.Augmentation(darker, views=4)):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # degrees of freedom against the 1,797 examples
        report = rg.check(digits, rg.Learner(rg.Ridge(0.1), augmentation=augmentation), n=[50, 100], trials=10)
    print(augmentation if isinstance(augmentation, rg.Shift) else "own function")
    print(report)
