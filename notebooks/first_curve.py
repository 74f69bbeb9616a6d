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
# # How many samples, how many features?
#
# A power-law task with infinitely many modes, learned by ridge regression on random features. What is its test error for every
# number of samples and of features, before anything is trained, and do trained models agree?

# %%
import matplotlib.pyplot as plt
import numpy as np

import rfgen as rg

task = rg.Task.power_law(alpha=1.5, beta=1.5, noise=0.5)
learner = rg.Learner(rg.Ridge(1e-3), features=[50, 300, 2000])
n = np.geomspace(20, 4000, 60)
curve = rg.predict(task, learner, n=n)
curve

# %% [markdown]
# ## The picture
# Each colour is a number of features. Where samples and features are as many, the error peaks: double descent.

# %%
rg.plot(curve, x="n")
plt.show()

# %% [markdown]
# ## Is it right?
# `check` trains models on drawn samples and compares: the z-scores are differences in standard errors. A report is true when
# theory and simulation agree.

# %%
report = rg.check(task, rg.Learner(rg.Ridge(1e-3), features=300), n=[100, 300, 900], trials=30, progress=False)
print(report)
assert report

# %%
runs = rg.simulate(task, rg.Learner(rg.Ridge(1e-3), features=300), n=[50, 100, 200, 300, 450, 900], trials=20, progress=False)
rg.plot(curve.sel(features=300), runs, x="n")
plt.show()

# %% [markdown]
# ## What the error is made of
# `test` = `bias` + `variance` + `noise`: the squared error of the mean predictor, the scatter of predictors over samples and
# features, and all that label noise does. At the peak it is the noise that is amplified.

# %%
one = rg.predict(task, rg.Learner(rg.Ridge(1e-3), features=300), n=n)
fig, ax = plt.subplots(layout="constrained")
ax.stackplot(n, one.bias, one.variance, one.noise, labels=["bias", "variance", "noise"], alpha=0.6)
ax.plot(n, one.test, "k", label="test")
ax.plot(n, one.train, "k--", label="train")
ax.set(xscale="log", xlabel="samples n", ylabel="risk", title="300 random features")
ax.legend(frameon=False)
plt.show()

# %% [markdown]
# ## The best ridge
# `optimal_ridge` finds the ridge of least test error at each point; with it the peak is gone, and more features never hurt.

# %%
best = rg.optimal_ridge(task, learner, n=n)
ax = rg.plot(best, x="n", y="test")
ax.set_title("at the best ridge")
plt.show()
assert (np.diff(best.test.transpose("features", "n").values, axis=0) <= 1e-9).all()

# %% [markdown]
# **To try:** another `alpha` (how fast eigenvalues fall) and `beta` (how fast the target does); `features=None` for the kernel;
# `rg.explore(task, rg.Learner(rg.Ridge(1e-3), features=300))` slides them.
