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
# # Stochastic dynamics, exactly
#
# Stochastic gradient descent moves along the mean gradient and shakes along the way. For Gaussian inputs the shaking closes
# on itself: the noise of a step is fed by the loss itself, so the whole curve follows from a recursion of second moments.
# rfgen runs it on fresh samples (one pass) and on batches drawn from a training set (many passes).

# %%
import matplotlib.pyplot as plt
import numpy as np

import rfgen as rg
from rfgen.systems import class_imbalance
from rfgen.theory import scaling_exponents

rg.cache_programs()

# %% [markdown]
# ## One pass
# Every step draws `batch` fresh samples, so there is no `n`. At a constant rate the last iterate comes to rest above the
# label noise; a falling rate, or the mean of the last half of the iterates, goes on. Lines: theory; dots: simulations.

# %%
noise = 0.5
task = rg.Task.power_law(1.5, 1.5, noise=noise, modes=300)
steps = np.unique(np.round(np.geomspace(1, 2000, 31)).astype(int))
dots = steps[[8, 14, 20, 26]]
last = int(steps[-1])
trainings = {
    "constant rate": lambda at: rg.OnePassSGD(0.2, at),
    "falling rate": lambda at: rg.OnePassSGD(lambda t: 0.2 / (1 + t / 50) ** 0.5, at),
    "mean from step 1000": lambda at: rg.OnePassSGD(0.2, at, average_from=last // 2),
}
fig, ax = plt.subplots()
ends = {}
for name, training in trainings.items():
    curve = rg.predict(task, rg.Learner(training(steps)))
    ax.plot(steps, curve.test, label=name)
    ends[name] = float(curve.test[-1])
    if name == "constant rate":
        rest = float(curve.stationary_test)
        runs = rg.simulate(task, rg.Learner(training(dots)), trials=24)
        ax.errorbar(dots, runs.test, runs.test_se, fmt="o", color="C0", ms=4)
        z = (runs.test - curve.test.sel(steps=dots)) / runs.test_se
ax.axhline(rest, color="C0", ls=":", label="constant rate, at rest")
ax.axhline(noise, color="k", lw=0.8)
ax.set(xscale="log", yscale="log", xlabel="steps", ylabel="test risk", title="one pass, batches of 1")
ax.legend(frameon=False)
plt.show()
print(z.round(1).values, ends, rest)
assert abs(z).max() < 5 and noise < rest < ends["constant rate"]
assert ends["falling rate"] < ends["constant rate"] and ends["mean from step 1000"] < ends["constant rate"]

# %% [markdown]
# ## Stability
# A share of the loss returns as noise of the next steps, `stability_mass`. Below 1 the iterates come to rest; beyond, the
# risk grows without end, by the factor `growth` a step, though full-batch descent at such rates would be stable.

# %%
rates = np.array([0.1, 0.3, 0.6, 0.9, 1.05])
spread = rg.predict(task, rg.Learner(rg.OnePassSGD(rates, steps)))
ax = rg.plot(spread)
ax.set_ylim(0.5, 50)
plt.show()
for name in ("stability_mass", "growth", "stationary_test"):
    print(name, spread[name].values.round(4))
stable = (spread.growth == 1).values
assert (stable == (spread.stability_mass < 1).values).all() and stable.any() and not stable.all()
assert (np.isfinite(spread.stationary_test) == stable).all()
late = spread.test.sel(rate=0.6).values[-2:]
grown = (late[1] / late[0]) ** (1 / np.diff(steps[-2:])[0])
np.testing.assert_allclose(grown, spread.growth.sel(rate=0.6), rtol=1e-6)

# %% [markdown]
# ## Acceleration by mode
# Li et al. (arXiv 2311.14222) on accelerated SGD: (i) without label noise its error falls faster in directions of small
# eigenvalue and slower in those of large ones, (ii) it takes up more label noise. With $\alpha = 1/(1+\beta)$ the slower
# ones are the eigenvalues above $(1 - \alpha(1-\beta))/\delta$. The target is put on either side, since the errors of
# small modes feed noise into the large ones and would hide their decay; `by_mode=True` shows each mode.

# %%
rate, beta = 0.2, 0.003
alpha = 1 / (1 + beta)
methods = {
    "SGD": rg.OnePassSGD(rate, steps),
    "heavy ball": rg.OnePassSGD(rate / 4, steps, momentum=0.75),
    "ASGD": rg.AcceleratedSGD(alpha, beta, gamma=2.0, delta=rate, steps=steps),
}
spectrum = np.arange(1, 501.0) ** -2
large = spectrum > (1 - alpha * (1 - beta)) / rate
fig, axes = plt.subplots(1, 3, figsize=(13, 3.6), layout="constrained")
found = {}
for name, training in methods.items():
    parts = []
    for ax, inside in zip(axes, (large, ~large), strict=False):
        confined = rg.Task(spectrum, np.where(inside, spectrum, 0.0), noise=0.01)
        curve = rg.predict(confined, rg.Learner(training), by_mode=True)
        parts.append((curve.bias_by_mode + curve.variance_by_mode).sum("mode").values)
        ax.plot(steps, parts[-1], label=name)
    found[name] = (*parts, curve.noise_by_mode.sum("mode").values)
    axes[2].plot(steps, found[name][2], label=name)
for ax, title in zip(axes, ("target in large eigenvalues", "in small eigenvalues", "label noise"), strict=True):
    ax.set(xscale="log", yscale="log", xlabel="steps", ylabel="excess risk", title=title)
axes[0].legend(frameon=False)
plt.show()
after = steps > 200
ratios = [fast / slow for fast, slow in zip(found["ASGD"], found["SGD"], strict=True)]
print([ratio[after].round(2) for ratio in ratios])
assert (ratios[0][after] > 1).all() and (ratios[1][after] < 1).all(), "claim (i), at late steps"
assert (ratios[2][1:] > 1).all(), "claim (ii), at all steps"

# %% [markdown]
# ## Many passes
# On $n$ samples, batches drawn with replacement follow full-batch descent, with noise in proportion to the training loss. At
# equal compute one pass over fresh samples is best, n samples serve almost as well until the first epoch ends, and
# full-batch descent spends its gradients on averages that stochastic steps do not need. Reshuffling the samples at every
# epoch is another algorithm: `simulate` runs it, `predict` refuses.

# %%
n, batch = 100, 4
many = rg.Learner(rg.SGD(0.3, steps, batch=batch))
multi = rg.predict(task, many, n=n)
once = rg.predict(task, rg.Learner(rg.OnePassSGD(0.3, steps, batch=batch)))
full = rg.predict(task, rg.Learner(rg.GradientDescent(0.9, np.arange(1, batch * last // n + 1))), n=n)
drawn, shuffled = (
    rg.simulate(task, rg.Learner(rg.SGD(0.3, dots, batch=batch, reshuffle=each)), n=n, trials=200) for each in (False, True)
)
fig, ax = plt.subplots()
ax.plot(batch * steps, once.test, "k", label="fresh samples")
ax.plot(batch * steps, multi.test, "C0", label=f"batches from n = {n}")
ax.plot(n * full.steps, full.test, "C0:", label="full batch")
ax.errorbar(batch * dots, drawn.test, drawn.test_se, fmt="o", color="C0", ms=4)
ax.errorbar(batch * dots, shuffled.test, shuffled.test_se, fmt="o", color="C0", mfc="white", label="reshuffled")
ax.axvline(n, color="0.7", lw=0.8, label="end of the first epoch")
ax.set(xscale="log", yscale="log", xlabel="gradients of single samples", ylabel="test risk")
ax.legend(frameon=False)
plt.show()
z = (drawn.test - multi.test.sel(steps=dots)) / drawn.test_se
print("with replacement", z.round(1).values)
differs = (shuffled.train - multi.train.sel(steps=dots)) / shuffled.train_se
print("reshuffled, training loss", differs.round(1).values)
assert abs(z).max() < 5 and (differs < 0).all() and differs.min() < -3, "less noise without replacement"
assert (multi.test > once.test.values)[batch * steps > n].all()
try:
    rg.predict(task, rg.Learner(rg.SGD(0.3, steps, batch=batch, reshuffle=True)), n=n)
except ValueError as error:
    print(error)
else:
    raise AssertionError("reshuffling has no theory here")

# %% [markdown]
# ## Few effective dimensions
# The limit is that of many effective dimensions, $(\mathrm{tr}\,S)^2/\mathrm{tr}\,S^2$; `finite_size=True` adds the next
# order. Rule: use it where n exceeds the number of weights, or before the first epoch ends, for spectra of 10 effective
# dimensions or so. With n far beyond the steps it comes back to one pass, which is exact at any size.

# %%
steep = rg.Task.power_law(1.5, 1.5, noise=noise, modes=40)
print("effective dimensions", steep.eigenvalues.sum() ** 2 / (steep.eigenvalues**2).sum())
short = [3, 10, 30]
exact = rg.predict(steep, rg.Learner(rg.OnePassSGD(0.4, short))).test.values
for finite in (False, True):
    test = rg.predict(steep, rg.Learner(rg.SGD(0.4, short, finite_size=finite)), n=1e6).test.values
    print("finite_size" if finite else "plain limit", (test / exact - 1).round(5))
    assert (np.abs(test / exact - 1) < (1e-3 if finite else 0.3)).all()

# %% [markdown]
# ## Unequal classes
# Full-batch descent on a majority and a minority class, each with its own loss. Plain steps follow the majority first;
# weighing classes equally, or giving each class's gradient unit length, brings the minority down earlier. The curve of
# normalised steps knows how far it can be trusted.

# %%
mixture = rg.GaussianMixture([160, 40], [1.0, -1.0], [[4 / 120], [6.76 / 120]], [[1.5], [-1.5]], [120], bias=True)
fig, ax = plt.subplots()
gaps = {}
for (rule, speed), colour in zip(
    {"plain": 0.05, "balanced": 0.05, "normalised": 0.015}.items(), ("C0", "C1", "C2"), strict=True
):
    losses = class_imbalance.class_imbalance(mixture, speed, 20, rule)
    assert losses.valid.all()
    for share, line in zip(losses.test, ("-", "--"), strict=True):
        ax.plot(share, color=colour, ls=line, label=rule if line == "-" else None)
    gaps[rule] = float(losses.test[1, 10] - losses.test[0, 10])
ax.set(yscale="log", xlabel="step", ylabel="test loss", title="majority (solid), minority (dashed)")
ax.legend(frameon=False)
plt.show()
print(gaps)
assert gaps["plain"] > max(gaps["balanced"], gaps["normalised"])

# %% [markdown]
# ## Scaling exponents
# On power laws risks fall as powers, of known exponents. A hard target ($\beta = 1.5$) keeps every learner busy with new
# modes; an easy one ($\beta = 4.5$) saturates: one pass is then limited by the noise of its own steps.

# %%
sizes = 10.0 ** np.arange(2, 6)
for beta in (1.5, 4.5):
    law = rg.Task.power_law(1.3, beta, modes=None)
    risks = {
        "samples": (rg.predict(law, rg.Learner(rg.Ridge(0.0)), n=sizes).test, scaling_exponents.in_samples),
        "steps": (rg.predict(law, rg.Learner(rg.OnePassSGD(0.1, sizes.astype(int)))).test, scaling_exponents.in_steps),
    }
    for name, (risk, closed) in risks.items():
        fit = scaling_exponents.fitted_exponent(sizes, risk.values)
        print(f"beta {beta}, {name}: local {fit.local.round(3)}, closed {closed(1.3, beta):.3f}")
        assert abs(fit.local[-1] - closed(1.3, beta)) < 0.02
