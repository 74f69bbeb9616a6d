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
from rfgen.theory import separability_threshold

rg.cache_programs()

# %% [markdown]
# ## Ways to train
# Errors count true classes, flips are in the training set only. `ridge` is $1/C$ of scikit-learn; `rg.Hinge` and
# `rg.SquaredHinge` are asked in the same way.

# %%
dim, flip = 200, 0.1
covariance = np.arange(1, dim + 1) ** -0.5
covariance /= covariance.mean()
direction = np.random.default_rng(0).normal(size=dim)
mean = 1.5 * direction / np.linalg.norm(direction)
mixture = rg.Mixture(mean, covariance, flip=flip)
n = np.unique(np.append(np.round(np.geomspace(60, 2000, 15)).astype(int), dim))
trainings = {
    "ridge 20": rg.Ridge(20.0), "logistic 20": rg.Logistic(20.0), "max-margin": rg.MaxMargin(),
    "averaging": rg.Averaging(), "LDA": rg.LDA(),
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
# The mean of $y_i x_i$, which knows nothing of $S$, is not beaten here up to $n=10\,$dim.

# %%
assert np.isnan(curves["LDA"].error[n <= dim]).all() and np.isfinite(curves["LDA"].error[n > dim]).all()
few = n > 100
for name, curve in curves.items():
    assert name == "averaging" or not (curve.error < curves["averaging"].error)[few].any()

# %% [markdown]
# ## Theory and simulation
# `check` draws training sets, trains, and compares.

# %%
report = rg.check(mixture, rg.Learner(rg.Logistic([1.0, 20.0])), n=300, trials=16)
print(report)
assert report.agrees

# %% [markdown]
# ## Two peaks without a ridge
# Least squares of minimum norm is no better than a coin at $n=$ dim. Logistic regression peaks elsewhere: at the $n$ up to
# which the classes can be separated. Below, its direction is that of the largest margin, and close to the edge more rows do harm; above,
# it is maximum likelihood. The threshold depends on $|S^{-1/2}\mu|$, the flips and the classes' shares alone.

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
beyond = n > dim
peak = n[beyond][np.argmax(logistic.error.values[beyond])]
assert abs(np.log(peak / edge)) < 0.3, "within a step of the grid"
assert abs(float(ridgeless["least squares"].error.sel(n=dim)) - 0.5) < 1e-6

# %% [markdown]
# ## Flipped labels, fitted and harmless
# At fixed $n$ the dimension grows and so does $|\mu|\propto$ dim$^a$. The largest margin fits every flipped label. For
# $a>1/4$ its error still goes to 0: benign overfitting. For $a<1/4$ it goes to 1/2, though the Bayes error falls in both.

# %%
dims = np.round(np.geomspace(300, 30_000, 6)).astype(int)
sizes = [100, 200, 400]
fig, axes = plt.subplots(1, 2, figsize=(9, 3.6), sharey=True, layout="constrained")
overfit = {}
for ax, power in zip(axes, (0.4, 0.1), strict=True):
    grown = [rg.Mixture([1.8 * (size / 300) ** power] + [0.0] * (size - 1), np.ones(size), flip=0.2) for size in dims]
    many = [rg.predict(each, rg.Learner(rg.MaxMargin()), sizes) for each in grown]
    assert max(each.train_error.values.max() for each in many) < 1e-12, "every flipped label is fitted"
    overfit[power] = np.array([each.error.values for each in many])
    ax.plot(dims, overfit[power], label=[f"n = {size}" for size in sizes])
    ax.set(xscale="log", xlabel="dimension", title=f"a = {power:g}")
axes[0].set_ylabel("test error, 20% flips")
axes[0].legend(frameon=False)
plt.show()
print(overfit[0.4][-1], overfit[0.1][-1])
assert (overfit[0.4][-1] < 0.01).all() and (overfit[0.4][0] > 0.2).all()
assert (overfit[0.1][-1] > 0.3).all() and (np.diff(overfit[0.1], axis=0)[-2:] > 0).all()

# %% [markdown]
# ## Unequal classes
# One row in ten is of class +1. Without an intercept both classes are missed alike. An intercept lowers the mean error at
# the cost of the small class.

# %%
skewed = rg.Mixture(mean, covariance, prior=0.1, flip=0.05)
by_class = {each: rg.predict(skewed, rg.Learner(rg.Logistic(20.0, intercept=each)), [200, 1000]) for each in (False, True)}
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
radii = np.array([0.0, 0.25, 0.5])
learner = rg.Learner(rg.Logistic(20.0))
euclidean = rg.adversarial_error(mixture, learner, n, radii)
coordinates = rg.adversarial_error(mixture, learner, n, radii / dim**0.5, norm="linf")
fig, ax = plt.subplots()
for i, radius in enumerate(radii):
    ax.plot(n, euclidean.error[:, i], color=f"C{i}", label=f"radius {radius:g}")
    ax.plot(n, coordinates.error[:, i], ":", color=f"C{i}")
ax.set(xscale="log", xlabel="samples n", ylabel="test error", title="largest coordinate dotted")
ax.legend(frameon=False)
plt.show()
np.testing.assert_allclose(euclidean.error[:, 0], curves["logistic 20"].error, rtol=1e-12)
assert (euclidean.error.diff("radius") > 0).all() and (coordinates.error.values <= euclidean.error.values).all()

# %% [markdown]
# Adversarial training puts the attack into the loss. It lowers the error under attack, and here the clean error too, as a
# ridge would: beside a large ridge little is left to gain.

# %%
gain = {}
for ridge in (1.0, 300.0):
    robust = rg.predict(mixture, rg.Learner(rg.AdversarialTraining(rg.Logistic(ridge), radius=0.5)), 600)
    plain = rg.adversarial_error(mixture, rg.Learner(rg.Logistic(ridge)), 600, [0.0, 0.5]).error.values
    gain[ridge, 0.0], gain[ridge, 0.5] = plain, (float(robust.error), float(robust.robust_error))
    for radius in (0.0, 0.5):
        clean, attacked = gain[ridge, radius]
        print(f"ridge {ridge:3g}, trained at {radius}: clean {clean:.3f}, attacked {attacked:.3f}")
for clean, attacked in zip(gain[1.0, 0.0], gain[1.0, 0.5], strict=True):
    assert attacked < 0.7 * clean
assert gain[300.0, 0.5][1] > 0.9 * gain[300.0, 0.0][1]

# %% [markdown]
# ## Spurious features
# Four groups: a core feature has the sign of the class, a stronger spurious one agrees with it in nine rows of ten. Where it
# disagrees the classifier is no better than a coin. Weighting those rows up helps the worst group, at the cost of the mean.
# With a vanishing ridge the weights lose their hold: separable rows give the largest margin, whatever they weigh.

# %%
core, spurious = np.eye(2, dim) * [[1.0], [1.5]]
weights = np.array([1, 3, 9, 30])
learner = rg.Learner(rg.Logistic([20.0, 1e-6]))
fig, ax = plt.subplots()
by_weight = [
    rg.predict(rg.ClassGroups.spurious(core, spurious, np.ones(dim), 0.9, weights=[1, weight, weight, 1]), learner, n=600)
    for weight in weights
]
assert all(curve.converged.all() for curve in by_weight)
worst, means = {}, {}
for ridge in (20.0, 1e-6):
    worst[ridge] = np.array([curve.error_by_group.sel(ridge=ridge).max() for curve in by_weight])
    means[ridge] = np.array([curve.error.sel(ridge=ridge) for curve in by_weight])
    (line,) = ax.plot(weights, worst[ridge], "o-", label=f"worst group, ridge {ridge:g}")
    ax.plot(weights, means[ridge], "o:", color=line.get_color(), label="mean over rows")
ax.set(xscale="log", xlabel="weight of the rows on which the features disagree", ylabel="test error")
ax.legend(frameon=False)
plt.show()
assert worst[20.0][0] > 0.5 and (np.diff(worst[20.0]) < 0).all() and (np.diff(means[20.0]) > 0).all()
assert np.ptp(worst[1e-6]) < 0.1 * np.ptp(worst[20.0])

# %% [markdown]
# ## Teacher and student
# One Gaussian population, labels drawn by a logistic teacher; a student with the same loss. `error` is that on fresh labels,
# `sign_error` against the teacher's own sign. Dots: simulations.

# %%
teacher = rg.Teacher(direction, covariance, link="logistic", scale=0.3)
sizes = [100, 200, 400, 800, 1600]
student = rg.Learner(rg.Logistic(2.0))
learned = rg.predict(teacher, student, sizes)
report = rg.check(teacher, student, n=400, trials=16)
print(report)
assert report.agrees
fig, ax = plt.subplots()
for name in ("error", "sign_error"):
    (line,) = ax.plot(sizes, learned[name], label=name)
    measured, spread = (float(report.dataset[f"{name}_{part}"]) for part in ("simulation", "se"))
    ax.errorbar(400, measured, spread, fmt="o", color=line.get_color())
ax.set(xscale="log", xlabel="samples n", ylabel="test error")
ax.legend(frameon=False)
plt.show()
assert learned.converged.all() and (learned.sign_error.diff("n") < 0).all() and (learned.error > learned.sign_error).all()
