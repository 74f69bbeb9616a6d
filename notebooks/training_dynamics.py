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
# # Training dynamics, exactly
#
# How good is a learner *while* it is trained? Gradient flow on
# $\frac1{2n}\left(\sum_i (y_i - f(x_i))^2 + \delta\|w\|^2\right)$ multiplies what is left to learn by $e^{-hs}$ in the time
# $s$, where $h$ are the eigenvalues of the training second moment; other trainings use other polynomials of $h$. rfgen gives
# the exact test and training error at every time, on kernels and random features, with augmentation or without.

# %%
import math

import jax
import matplotlib.pyplot as plt
import numpy as np

import rfgen as rg
from rfgen.systems import linear_networks
from rfgen.theory import augmented_modes

rg.cache_programs()

# %% [markdown]
# ## Gradient flow
# A training is an argument of the learner, its times are a dimension of the curve, and `math.inf` is a time as well. The
# steepest directions are learned first; the flat ones bring mostly noise, so the test risk falls and rises again. Lines:
# theory; dots: simulations.

# %%
task = rg.Task.power_law(1.5, 1.5, noise=0.5, modes=300)
times = np.geomspace(0.1, 1e5, 61)
curve = rg.predict(task, rg.Learner(rg.GradientFlow(times)), n=[50, 200])
runs = rg.simulate(task, rg.Learner(rg.GradientFlow(times[5::10])), n=[200], trials=20)
ax = rg.plot(curve, runs, x="time")
ax.set_title("power law, label noise 0.5, gradient flow")
plt.show()

z = (runs.test - curve.test.sel(n=runs.n, time=runs.time)) / runs.test_se
print(z.round(1).values)
assert abs(z).max() < 4
lowest = curve.test.argmin("time").values
print(times[lowest].round(1), curve.test.min("time").values.round(3))
assert (lowest > 0).all() and (lowest < times.size - 1).all()

# %% [markdown]
# The end of training is least squares of minimum norm, at once or by the flow:

# %%
end = rg.predict(task, rg.Learner(rg.GradientFlow(math.inf)), n=[50, 200])
solved = rg.predict(task, rg.Learner(rg.Ridge(0.0)), n=[50, 200])
print(end.test.values, solved.test.values)
np.testing.assert_allclose(end.test, solved.test, rtol=1e-9)

# %% [markdown]
# ## Double descent in time
# A linear network on $N$ isotropic inputs, $P = \alpha N$ samples, signal-to-noise ratio 5 (Advani and Saxe, arXiv
# 1710.03667): the peak at $\alpha = 1$ is not there at first and grows as training goes on. Stopped in time there is none.
# These curves have a closed form, a pure function of scalars.


# %%
def over(function, *arguments):
    """A function of scalars on arrays that broadcast, in double precision."""
    with jax.enable_x64(True):
        return np.asarray(jax.jit(jax.vmap(function))(*np.broadcast_arrays(*map(np.double, arguments))))


snr, alpha = 5.0, np.linspace(0.05, 2.5, 99)
fig, ax = plt.subplots()
peaks = []
for time in (5.0, 20.0, 100.0, 1000.0):
    test = over(lambda *point: linear_networks.isotropic_flow(*point).test, alpha, snr, time)
    peaks.append(float(test.max()))
    ax.plot(alpha, test, label=f"t = {time:g} τ")
best = over(lambda *point: linear_networks.isotropic_flow(*point).test, alpha, snr, over(linear_networks.optimal_time, alpha, snr))
ax.plot(alpha, best, "k--", label="best time for each α")
ax.set(xlabel="samples per input α", ylabel="test risk", title="double descent grows with training time")
ax.legend(frameon=False)
plt.show()
print(np.round(peaks, 2))
assert (np.diff(peaks[1:]) > 0).all() and (np.diff(best) < 0).all()

# %% [markdown]
# The same point from the general engine, which knows nothing of the closed form. Its inputs have variance 1 and its loss is
# divided by $2n$, so its time is $\alpha t/\tau$:

# %%
inputs, n = 200, 100
linear = rg.Task.isotropic(inputs, signal=1.0, noise=1 / snr)
engine = rg.predict(linear, rg.Learner(rg.GradientFlow(n / inputs * np.array([5.0, 20.0, 100.0]))), n=n)
closed = over(lambda *point: linear_networks.isotropic_flow(*point).test, n / inputs, snr, [5.0, 20.0, 100.0])
print(engine.test.values, closed)
np.testing.assert_allclose(engine.test, closed, rtol=1e-8)

# %% [markdown]
# ## Stop early, or choose the ridge?
# Both hold back the flat directions. On isotropic inputs with a random target the best ridge is the best of all linear
# estimators, and early stopping comes within two percent; on this power law within one. What stopping late costs is another
# matter: on isotropic inputs it is infinite where there are as many samples as inputs.

# %%
sizes = np.array([25, 50, 100, 200, 400, 800])
fig, ax = plt.subplots()
for name, each in {"isotropic": linear, "power law": task}.items():
    found = rg.optimal_stopping(each, rg.Learner(rg.GradientFlow(0.0)), n=sizes)
    ax.plot(sizes, found.test / found.best_ridge_test, "o-", label=name)
    late = found.late_loss.values
    print(name, "stop at", found.time.values.round(2), "late loss", late.round(2))
    assert (late > 0).all()
    share = found.test / found.best_ridge_test
    assert (share >= 1).all() and (share < (1.02 if name == "isotropic" else 1.01)).all()
    assert np.isinf(late[sizes == inputs]) == (name == "isotropic")
ax.axhline(1.0, color="k", lw=0.8)
ax.set(xscale="log", xlabel="samples n", ylabel="risk at best time / risk of best ridge")
ax.set_xticks(sizes, map(str, sizes))
ax.minorticks_off()
ax.legend(frameon=False)
plt.show()

# %% [markdown]
# ## Gradient descent, heavy ball, Nesterov
# Small steps of gradient descent are the flow. Momentum goes the same way faster, though the heavy ball overshoots at
# first, and past the best point as well: the least risk stays nearly what it was, and comes earlier.

# %%
rate = 0.9
many, few = (np.unique(np.round(np.geomspace(1, last, 40))) for last in (1000, 50))
trainings = {
    "gradient descent": rg.GradientDescent(rate, many),
    "heavy ball, momentum 0.8": rg.HeavyBall(rate, 0.8, few),
    "Nesterov, t/(t+3)": rg.Nesterov(rate, few),
}
fig, ax = plt.subplots()
best = {}
for name, training in trainings.items():
    found = rg.predict(task, rg.Learner(training), n=100).test
    ax.plot(found.steps, found, label=name)
    best[name] = int(found.steps[np.argmin(found.values)]), float(found.min())
ax.set(xscale="log", xlabel="steps", ylabel="test risk", title=f"n = 100, rate {rate:g}")
ax.legend(frameon=False)
plt.show()
print(best)
(slow, plain), *accelerated = best.values()
assert all(count < slow / 3 and abs(risk / plain - 1) < 0.02 for count, risk in accelerated)

# %% [markdown]
# At or beyond the edge of stability training diverges, and the curve says so:

# %%
fast = rg.predict(task, rg.Learner(rg.GradientDescent([0.3, 3.0], [0, 1, 10])), n=200)
print(fast.test.values, fast.attrs["unstable"])
assert np.isinf(fast.test.sel(rate=3.0).values[1:]).all() and np.isfinite(fast.test.sel(rate=0.3)).all()

# %% [markdown]
# ## Initial weights and weight decay
# With fewer samples than inputs, the directions without data never move: a share $1 - n/N$ of random initial weights stays
# in the predictor for ever, unless weight decay takes it away.

# %%
variance = 1.0 / inputs  # initial weights as large as the target's
clock = np.append(np.geomspace(0.1, 1e4, 60), math.inf)
start = rg.GradientFlow(clock, ridge=[0.0, 0.2], initial_variance=variance)
kept = rg.predict(linear, rg.Learner(start), n=n)
zero = rg.predict(linear, rg.Learner(rg.GradientFlow(clock)), n=n)
ax = rg.plot(kept)
ax.plot(clock[:-1], zero.test[:-1], "k--", label="from zero weights")
ax.set_title("isotropic inputs, n = 100, N = 200, random initial weights")
ax.legend(frameon=False)
plt.show()
print(kept.initial_variance.sel(time=math.inf).values)
np.testing.assert_allclose(kept.initial_variance.sel(time=math.inf, ridge=0.0), 1 - n / inputs, rtol=1e-9)
assert kept.initial_variance.sel(time=math.inf, ridge=0.2) < 1e-12

# %% [markdown]
# ## Self-distillation
# Fit the training predictions of the fit before, again and again: each round shrinks the flat directions once more. Here
# this does what a larger ridge does: the best ridge gets smaller, the least risk stays nearly the same.

# %%
ridges = np.geomspace(1e-3, 10, 60)
again = rg.predict(task, rg.Learner(rg.IteratedRidge(ridges, [1, 2, 4])), n=200)
ax = rg.plot(again, x="ridge")
plt.show()
once = rg.predict(task, rg.Learner(rg.Ridge(ridges)), n=200)
np.testing.assert_allclose(again.test.sel(steps=1), once.test, rtol=1e-8)
least, where = again.test.min("ridge").values, again.ridge[again.test.argmin("ridge")].values
print(least, where)
assert (np.diff(again.df1, axis=1) < 0).all() and (np.diff(where) < 0).all() and np.ptp(least) < 0.01 * least[0]

# %% [markdown]
# ## Depth
# A deep linear network $W_D\cdots W_1$ from small balanced weights computes the same functions along another road: its
# product grows at a rate that depends on its own length, so it waits on a plateau and then learns quickly. Lines: theory;
# dots: the gradient flow of the product, integrated for drawn data, the same for all depths, so that their dots err together.

# %%
from scipy.integrate import solve_ivp  # noqa: E402


def network(depth, length, times, seed):
    """Test risk of one network: beta' = |beta|^(2 - 2/D) (g + (D - 1) u u'g)."""
    draw = np.random.default_rng(seed)
    teacher, first = draw.normal(size=(2, inputs))
    teacher /= np.linalg.norm(teacher)
    first *= length / np.linalg.norm(first)
    X = draw.normal(size=(n, inputs))
    y = X @ teacher + draw.normal(size=n) * snr**-0.5

    def velocity(_, beta):
        g = X.T @ (y - X @ beta) / n
        square = beta @ beta
        return square ** (1 - 1 / depth) * (g + (depth - 1) * beta * (beta @ g) / square)

    path = solve_ivp(velocity, (0, times[-1]), first, t_eval=times, rtol=1e-6, atol=1e-9).y
    return np.sum((path.T - teacher) ** 2, axis=1) + 1 / snr


fig, ax = plt.subplots()
length, trials = 0.03, 30
line, dots = np.linspace(0.0, 12.0, 61), np.linspace(0.0, 12.0, 7)
with jax.enable_x64(True):
    problem, *_ = augmented_modes(linear, None)
    for depth, colour in ((1, "C0"), (2, "C1"), (3, "C2")):
        flow = linear_networks.balanced_flow(problem, n=n, depth=depth, time=line, length=length, noise=1 / snr)
        drawn = np.array([network(depth, length, dots, seed) for seed in range(trials)])
        mean, error = drawn.mean(axis=0), drawn.std(axis=0, ddof=1) / trials**0.5
        ax.plot(line, flow.test, color=colour, label=f"depth {depth}")
        ax.errorbar(dots, mean, error, fmt="o", color=colour, ms=4)
        z = (mean - flow.test[::10])[1:] / error[1:]
        print(depth, z.round(1))
        assert np.abs(z).max() < 4
ax.set(xlabel="time", ylabel="test risk", title=f"deep linear networks, product of initial length {length:g}")
ax.legend(frameon=False)
plt.show()

# %% [markdown]
# ## Augmentation along time
# Infinitely many noisy views are a weight decay $n s^2$, at every time and not only at the end. With few views, what
# training learns last is the noise of the views, and the risk rises late.

# %%
flow = rg.GradientFlow(times)
noisy = rg.predict(task, rg.Learner(flow, augmentation=rg.GaussianNoise(0.02, views=[1, 4, math.inf])), n=200)
decay = rg.predict(task, rg.Learner(rg.GradientFlow(times, ridge=200 * 0.02)), n=200)
np.testing.assert_allclose(noisy.test.sel(views=math.inf), decay.test, rtol=1e-8)
few = rg.Learner(rg.GradientFlow(times[5::10]), augmentation=rg.GaussianNoise(0.02, views=[4]))
measured = rg.simulate(task, few, n=200, trials=10)
ax = rg.plot(noisy, measured, x="time")
ax.set_title("power law, n = 200, views with noise of variance 0.02")
plt.show()
z = (measured.test - noisy.test.sel(time=measured.time, views=[4])) / measured.test_se
print(z.round(1).values)
assert abs(z).max() < 4
