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
# # Linear classifiers, exactly
#
# Two Gaussian classes $x = y\,\mu + S^{1/2}z$, $y=\pm1$, some training labels flipped. A convex loss of the margin is
# minimised on $n$ rows. A row that was left out has a normal margin; what training makes of it is a proximal map in one
# dimension. From that follow the test error, the training error, the intercept and the norm, at every finite size, with
# relative errors of order $1/n$.

# %%
import jax
import matplotlib.pyplot as plt
import numpy as np

import rfgen as rg
from rfgen.problems.class_groups import ClassGroups
from rfgen.problems.teacher import Teacher
from rfgen.simulation.classifier import classifier_runs
from rfgen.theory.margin_classifier import margin_classifier
from rfgen.theory.separability import separability_threshold
from rfgen.theory.teacher_classifier import teacher_classifier, teacher_moments

# %% [markdown]
# ## Six ways to train
# Errors count true classes, flips are in the training set only. `ridge` is $1/C$ of scikit-learn for logistic loss and hinge.

# %%
dim, flip = 200, 0.1
covariance = np.arange(1, dim + 1) ** -0.5
covariance /= covariance.mean()
direction = np.random.default_rng(0).normal(size=dim)
mean = 1.5 * direction / np.linalg.norm(direction)
mixture = rg.Mixture(mean, covariance, flip=flip)
n = np.unique(np.round(np.geomspace(60, 2000, 28)).astype(int))
trainings = {
    "ridge 20": rg.Ridge(20.0), "logistic 20": rg.Logistic(20.0), "hinge 20": rg.Hinge(20.0),
    "max-margin": rg.MaxMargin(), "averaging": rg.Averaging(), "LDA": rg.LDA(),
}  # fmt: skip
curves = {name: rg.predict(mixture, rg.Learner(training), n) for name, training in trainings.items()}
fig, ax = plt.subplots()
for name, curve in curves.items():
    ax.plot(n, curve.error, label=name)
ax.set(xscale="log", xlabel="samples n", ylabel="test error", ylim=(0, 0.42))
ax.legend(frameon=False)
plt.show()
print(curves["logistic 20"])
for name in ("max-margin", "LDA"):
    print(f"{name}: {curves[name].attrs['failures']}")

# %% [markdown]
# A curve that does not exist is NaN, with a reason: LDA needs more rows than dimensions, a margin needs separable classes.
# The mean of $y_i x_i$, which knows nothing of $S$, is hard to beat as long as $n$ is a few times the dimension.

# %%
assert np.isnan(curves["LDA"].error[n < dim]).all() and np.isfinite(curves["LDA"].error[n > dim]).all()
few = n > 100
for name, curve in curves.items():
    assert name == "averaging" or not (curve.error < curves["averaging"].error)[few].any()

# %% [markdown]
# ## Theory and simulation
# `check` draws training sets, trains, and compares.

# %%
report = rg.check(mixture, rg.Learner(rg.Logistic([1.0, 20.0])), n=[150, 600], trials=12)
print(report)
assert report.agrees

# %% [markdown]
# ## Two peaks without a ridge
# Least squares of minimum norm is no better than a coin at $n=$ dim. Logistic regression peaks elsewhere: at the $n$ up to
# which the classes can be separated. Below, its direction is that of the largest margin, and more rows do harm; above, it is
# maximum likelihood. The threshold depends on $|S^{-1/2}\mu|$, the flips and the classes' shares alone.

# %%
with jax.enable_x64(True):
    separable = float(separability_threshold(np.linalg.norm(mean / covariance**0.5), flip=flip))
edge = dim / separable
fig, ax = plt.subplots()
ridgeless = {}
for name, training in {"least squares": rg.Ridge([0.0, 20.0]), "logistic": rg.Logistic([0.0, 20.0])}.items():
    curve = rg.predict(mixture, rg.Learner(training), n)
    (line,) = ax.plot(n, curve.error.sel(ridge=0), label=f"{name}, ridge 0")
    ax.plot(n, curve.error.sel(ridge=20), ":", color=line.get_color(), label=f"{name}, ridge 20")
    ax.plot(n, curve.train_error.sel(ridge=0), "--", lw=1, color=line.get_color())
    ridgeless[name] = curve.sel(ridge=0)
for at in (dim, edge):
    ax.axvline(at, color="0.8", zorder=0)
ax.set(xscale="log", xlabel="samples n", ylabel="error", title="training error dashed; grey: n = dim, edge of separability")
ax.legend(frameon=False)
plt.show()
print(f"separable up to n = {edge:.0f}")
logistic = ridgeless["logistic"]
found = np.isfinite(curves["max-margin"].error.values)
np.testing.assert_allclose(logistic.error[found], curves["max-margin"].error[found], rtol=1e-10)
assert (found == (n < edge)).all() and (logistic.train_error.values[found] < 1e-12).all()
assert (logistic.train_error.values[~found] > 0).all() and np.isinf(logistic.norm.values[found]).all()
peak = np.argmax(logistic.error.values[n > dim])
assert abs(np.log(n[n > dim][peak] / edge)) < 0.2, "within a step of the grid"
assert abs(float(rg.predict(mixture, rg.Learner(rg.Ridge(0.0)), dim).error) - 0.5) < 1e-6

# %% [markdown]
# ## Flipped labels, fitted and harmless
# At fixed $n$ the dimension grows and so does $|\mu|\propto$ dim$^a$. The largest margin fits every flipped label. For
# $a>1/4$ its error still goes to 0: benign overfitting. For $a<1/4$ it goes to 1/2, though the Bayes error falls in both.

# %%
dims = np.round(np.geomspace(300, 30_000, 9)).astype(int)


def grown(size, power, flip):
    """Means whose length grows like a power of the dimension."""
    return rg.Mixture([1.8 * (size / 300) ** power] + [0.0] * (size - 1), np.ones(size), flip=flip)


fig, axes = plt.subplots(1, 2, figsize=(9, 3.6), sharey=True, layout="constrained")
overfit = {}
for ax, power in zip(axes, (0.4, 0.1), strict=True):
    for flips in (0.1, 0.2, 0.3):
        many = [rg.predict(grown(size, power, flips), rg.Learner(rg.MaxMargin()), 200) for size in dims]
        overfit[power, flips] = np.array([float(each.error) for each in many])
        assert max(float(each.train_error) for each in many) < 1e-12, "every flipped label is fitted"
        ax.plot(dims, overfit[power, flips], label=f"{flips:.0%} flips")
    ax.set(xscale="log", xlabel="dimension", title=f"a = {power:g}")
axes[0].set_ylabel("test error")
axes[0].legend(frameon=False)
plt.show()
assert overfit[0.4, 0.2][-1] < 1e-3 < overfit[0.4, 0.2][0]
assert overfit[0.1, 0.2][-1] > 0.35 and (np.diff(overfit[0.1, 0.2])[-4:] > 0).all()

# %% [markdown]
# ## Unequal classes
# One row in ten is of class +1. Without an intercept both classes are missed alike. An intercept lowers the mean error at
# the cost of the small class.

# %%
skewed = rg.Mixture(mean, covariance, prior=0.1, flip=0.05)
by_class = {
    each: rg.predict(skewed, rg.Learner(rg.Logistic(20.0, intercept=each)), [200, 1000]) for each in (False, True)
}
for each, curve in by_class.items():
    parts = curve.error_by_class.values.round(3)
    print(f"intercept {each}: error {curve.error.values.round(3)}, small class {parts[:, 0]}, large class {parts[:, 1]}")
np.testing.assert_allclose(by_class[False].error_by_class[:, 0], by_class[False].error_by_class[:, 1])
assert (by_class[True].error < by_class[False].error).all() and (by_class[True].intercept < 0).all()
assert (by_class[True].error_by_class[:, 0] > by_class[False].error_by_class[:, 0]).all()

# %% [markdown]
# ## Under attack
# An adversary moves each test input by at most `radius`: in the Euclidean norm it costs $|w|_2$ of the margin, in the
# largest coordinate $|w|_1$. At equal Euclidean length (radius / √dim per coordinate) the second is weaker, by little.

# %%
radii = np.linspace(0, 1, 6)
learner = rg.Learner(rg.Logistic(20.0))
euclidean = rg.adversarial_error(mixture, learner, 600, radii)
coordinates = rg.adversarial_error(mixture, learner, 600, radii / dim**0.5, norm="linf")
print("l2  ", euclidean.error.values.round(3))
print("linf", coordinates.error.values.round(3))
assert (np.diff(euclidean.error) > 0).all() and float(euclidean.error[0]) == float(coordinates.error[0])
assert (coordinates.error.values <= euclidean.error.values).all()

# %% [markdown]
# Adversarial training puts the attack into the loss, `margin_classifier(..., radius=)`; pure functions take scalars and go
# through `jit` and `grad`. Where the two classes have different covariances, and with small ridges, it pays.

# %%
@jax.jit
def trained(moments, ridge, radius):
    """Logistic regression with intercept on groups of rows."""
    return margin_classifier(moments, "logistic", ridge, intercept=True, radius=radius)


print("see below")
