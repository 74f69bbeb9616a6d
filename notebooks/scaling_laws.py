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
# # How wide, how long: scaling laws that can be computed
#
# A budget of compute can go into a wider model or into more steps. Which is better, and how fast does the loss fall? For one pass of
# SGD on power-law random features (arXiv 2405.15074) the loss is known exactly at any width and any number of steps, so that its
# scaling laws need no fit, and fits of scaling laws can be held to the truth.

# %%
import matplotlib.pyplot as plt
import numpy as np

import rfgen as rg
from rfgen.theory import scaling_exponents

# %% [markdown]
# ## The envelope
# Compute is width × steps × batch. Every width has its own curve; their envelope is the best that a budget buys.
# `compute_frontier` finds it without running through steps.

# %%
rate, widths = 0.3, np.geomspace(10, 1e5, 14)
compute = np.geomspace(1e5, 1e9, 25)
fig, (left, right) = plt.subplots(1, 2, figsize=(9, 3.6))
for beta in (1.8, 2.7, 4.0):
    task = rg.Task.power_law(alpha=1.5, beta=beta)
    best = rg.compute_frontier(task, rg.OnePassSGD(rate, steps=1), widths, compute)
    left.plot(compute, best.loss, label=f"beta = {beta:g}: phase {best.phase.item()}")
    right.plot(compute, best.width)
    limit = scaling_exponents.phase(1.5, beta)
    print(f"beta = {beta:g}, phase {limit.name}: loss exponent {float(best.loss_exponent[-1]):.3f}, limit {limit.loss:.3f};",
          f"width exponent {float(best.width_exponent[-1]):.3f}, limit {limit.width:.3f}")
    assert abs(best.loss_exponent[-1] - limit.loss) < 0.02
left.set(xscale="log", yscale="log", xlabel="compute", ylabel="least loss")
right.set(xscale="log", yscale="log", xlabel="compute", ylabel="best width")
left.legend(frameon=False)
plt.show()

# %% [markdown]
# Easy targets (large beta) do not fall faster and faster: beyond beta = 2 alpha the noise of the steps takes over, and width and steps
# share compute evenly. A smaller rate delays that and costs time.
#
# ## Losses give back the law
# Five widths, ten times, errors of one percent: which law made them?

# %%
truth = {"alpha": 1.5, "beta": 1.9, "noise": 0.02}
k, t, batch = np.geomspace(30, 3000, 5).round()[:, None], np.geomspace(30, 30_000, 10).round().astype(int), 4
exact = rg.predict(rg.Task.power_law(**truth), rg.Learner(rg.OnePassSGD(rate, t, batch), features=k.ravel())).test.values
losses = exact * np.exp(0.01 * np.random.default_rng(0).normal(size=exact.shape))
law = rg.fit_scaling_law(losses, k=k, t=t, batch=batch, errors=0.01 * losses)
print(law[["estimate", "low", "high"]].to_dataframe().round(4))
print(f"misfit {law.chi2.item():.0f}, where {law.spare.item()} is right;", law.attrs["not_identified"])
for name, value in truth.items():
    own = law.sel(parameter=name)
    assert own.low - 0.5 * (own.high - own.low) < value < own.high + 0.5 * (own.high - own.low)

# %% [markdown]
# ## The three terms
# E + A/k^a + B/n^b is what is usually fitted. On the same losses:

# %%
floor, width, a, length, b = law.three_terms.values
print(f"E = {floor:.4f}, a = {a:.3f}, b = {b:.3f}; misfit {law.three_terms_chi2.item():.0f}")
stable = rg.predict(rg.Task.power_law(**truth), rg.Learner(rg.OnePassSGD(rate, 10, batch), features=3000)).stability_mass
print(f"the floor of this training is {truth['noise'] / (1 - float(stable)):.4f}, its label noise {truth['noise']}")
assert law.three_terms_chi2 > 10 * law.chi2

# %% [markdown]
# With errors this small the form rejects itself: it has no term in which width and steps meet, and none for the noise of steps. Where
# errors are not known that goes unseen, and its extrapolation is off:

# %%
far = np.geomspace(1e6, 1e11, 11)
wide = np.geomspace(10, 3e6, 18)
true = rg.compute_frontier(rg.Task.power_law(**truth), rg.OnePassSGD(rate, 1, batch), wide, far)
own = {str(name): float(value) for name, value in zip(law.parameter.values, law.estimate.values, strict=True)}
again = rg.Task.power_law(own["alpha"], own["beta"], own["noise"] / own["scale"])
fitted = own["scale"] * rg.compute_frontier(again, rg.OnePassSGD(own["rate"], 1, batch), wide, far).loss
fine = np.geomspace(10, 1e8, 2000)[:, None]
terms = (floor + width / fine**a + length / (far / fine) ** b).min(axis=0)
fig, ax = plt.subplots()
ax.plot(far, 100 * (terms / true.loss - 1), "--", label="three terms")
ax.plot(far, 100 * (fitted / true.loss - 1), label="exact curve")
ax.axhline(0, color="k", lw=0.8)
ax.set(xscale="log", xlabel="compute", ylabel="predicted least loss, percent off")
ax.legend(frameon=False)
plt.show()

# %% [markdown]
# ## What cannot be told
# Short runs of almost no noise look alike with and without it. The interval says so: its lower end is open.

# %%
short, slow = np.geomspace(30, 300, 10).round().astype(int), 0.02
quiet = rg.Task.power_law(1.5, 1.9, noise=1e-7)
exact = rg.predict(quiet, rg.Learner(rg.OnePassSGD(slow, short, batch), features=k.ravel())).test.values
losses = exact * np.exp(0.02 * np.random.default_rng(1).normal(size=exact.shape))
law = rg.fit_scaling_law(losses, k=k, t=short, batch=batch, errors=0.02 * losses)
print(law[["estimate", "low", "high"]].to_dataframe().round(3))
print(law.attrs["not_identified"])
assert law.low.sel(parameter="noise") == -np.inf

# %% [markdown]
# ## Momentum that is worth an exponent
# Heavy ball changes the factor, not the exponent. DANA (arXiv 2505.16098) keeps a memory of all gradients, at a rate that falls as
# t^(-1/alpha).

# %%
task, steps = rg.Task.power_law(1.5, 1.8, modes=3000), np.unique(np.geomspace(10, 5000, 20).round().astype(int))
fig, ax = plt.subplots()
slopes = {}
for name, training in {
    "plain": rg.OnePassSGD(0.1, steps), "heavy ball": rg.OnePassSGD(0.05, steps, momentum=0.5),
    "DANA": rg.DANA(0.1, lambda t: 0.1 * (1.0 + t) ** (-1 / 1.5), steps),
}.items():
    curve = rg.predict(task, rg.Learner(training))
    ax.plot(steps, curve.test, label=name)
    slopes[name] = float(np.log(curve.test[-4] / curve.test[-1]) / np.log(steps[-1] / steps[-4]))
ax.set(xscale="log", yscale="log", xlabel="steps", ylabel="test risk")
ax.legend(frameon=False)
print({name: round(slope, 2) for name, slope in slopes.items()})
assert slopes["DANA"] > slopes["plain"] + 0.05
plt.show()

# %% [markdown]
# **To try.** Fit losses of two batch sizes: what becomes of `offset`? Halve the rate in phase III: at which compute does it pay? Drop
# the latest times from the fit until the noise is no longer identified. Fit losses of your own runs, and look at `attrs["rejected"]`.
