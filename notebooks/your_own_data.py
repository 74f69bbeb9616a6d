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
# # What would four times my data bring?
#
# You have 300 labelled rows. From their kernel matrix alone: what is the risk on rows held out, with fewer rows and with more,
# which ridge is best at each size, and which rows are hard? No model is trained for the curve; here the truth is known, because
# 1,497 further digits are kept aside.

# %%
import jax
import jax.numpy as jnp
import matplotlib.pyplot as plt
import numpy as np

import rfgen as rg

images, parity = rg.datasets.digits()  # odd +1, even -1
order = np.random.default_rng(0).permutation(len(parity))  # writers come in turn: rows must be exchangeable
images, parity = images[order], parity[order]
X, y, rest, truth = images[:300], parity[:300], images[300:], parity[300:]


def laplace(x, z):
    return np.exp(-np.sqrt(np.maximum(np.sum((x[:, None] - z) ** 2, axis=-1), 0.0)) / 4.0)


# %% [markdown]
# ## The curve
# Up to n = 300 rows are drawn without replacement and tested on the rest; 300 is leave-one-out; beyond, the same equations tell
# what more rows of this kind bring, as far as the sample reaches: `reach` grows with the ridge, and what lies beyond is NaN,
# `unreachable`.

# %%
sizes, ridges = np.array([20, 40, 80, 150, 220, 300, 600, 1200]), np.geomspace(1e-2, 10.0, 7)
curve = rg.learning_curve(X, y, sizes, ridges, kernel=laplace)
ax = rg.plot(curve, x="n")
plt.show()
print(curve.status.values[-1], curve.reach.values.round())
print("best ridge", curve.best_ridge.values.round(2), "risk", curve.best_test.values.round(3))

# %% [markdown]
# ## Against the truth
# Fit 20 times on n rows drawn from all digits, and test on others: within the band of two standard errors.

# %%
kernel, random = laplace(images, images), np.random.default_rng(1)


def measured(kernel, labels, n, ridge, trials=20):
    found = []
    for _ in range(trials):
        drawn = random.permutation(len(labels))
        inside, outside = drawn[:n], drawn[n:]
        solved = np.linalg.solve(kernel[np.ix_(inside, inside)] + ridge * np.eye(n), np.stack([labels[inside], np.ones(n)], 1))
        constant = solved[:, 0].sum() / solved[:, 1].sum()
        predicted = kernel[np.ix_(outside, inside)] @ (solved[:, 0] - constant * solved[:, 1]) + constant
        found.append(np.mean((predicted - labels[outside]) ** 2))
    return np.mean(found)


ridge = float(ridges[4])
points = [80, 300, 1200]
for n in points:
    at = curve.sel(n=n, ridge=ridge)
    print(n, f"from 300 rows {float(at.test):.3f} +- {float(at.test_se):.3f}, measured {measured(kernel, parity, n, ridge):.3f}")
    assert abs(float(at.test) / measured(kernel, parity, n, ridge) - 1.0) < 0.3

# %% [markdown]
# ## Which rows are hard
# `per_example` is the expected squared error at each row when it is held out: wrong labels and odd rows come first.

# %%
hard = curve.per_example.sel(n=220, ridge=ridge).values
fig, axes = plt.subplots(1, 6, figsize=(9, 1.9))
for panel, row in zip(axes, np.argsort(-hard), strict=False):
    panel.imshow(X[row].reshape(8, 8), cmap="gray_r")
    panel.set(title=f"{hard[row]:.1f}", xticks=[], yticks=[])
plt.show()
print("share of wrong signs", float(curve.error.sel(n=220, ridge=ridge)))

# %% [markdown]
# ## Rows that belong together
# Had every image been entered twice, a row held out would have a copy in training: far too hopeful. `groups` keeps copies, or
# the records of one patient, together; whole groups are then drawn and tested on.

# %%
twice, labels, names = np.repeat(X[:100], 2, axis=0), np.repeat(y[:100], 2), np.repeat(np.arange(100), 2)
grouped = rg.learning_curve(twice, labels, 50, 1.0, kernel=laplace, groups=names)
single = rg.learning_curve(X[:100], y[:100], 50, 0.5, kernel=laplace)
print(f"groups {float(grouped.test):.3f}, without copies {float(single.test):.3f}")

# %% [markdown]
# ## A network of your own
# Features of any trained model do as well: `rg.features_of(apply, inputs)`, where `apply` may be flax, equinox, torch or a
# pipeline of scikit-learn. Here a small network learns the ten digits on 600 rows; how many *other* rows does a ridge
# regression on its last layer need to tell odd from even? (A curve of the 600 themselves would be far too hopeful: the layer
# has seen their labels.)

# %%
targets = jnp.asarray(rg.datasets.digits("classes")[1][order])
first, second = jax.random.split(jax.random.key(0))
params = [jax.random.normal(first, (64, 100)) / 8.0, jax.random.normal(second, (100, 10)) / 10.0]


def hidden(params, rows):
    return jnp.tanh(rows @ params[0])


@jax.jit
def trained(params, rows, targets):
    def loss(params):
        return jnp.mean((hidden(params, rows) @ params[1] - targets) ** 2)

    def step(_, at):
        return jax.tree.map(lambda own, slope: own - 0.3 * slope, at, jax.grad(loss)(at))

    return jax.lax.fori_loop(0, 1000, step, params)


params = trained(params, jnp.asarray(images[:600]), targets[:600])
features, labels = rg.features_of(lambda rows: hidden(params, rows), images[600:]), parity[600:]
of_network = rg.learning_curve(features[:300], labels[:300], [20, 50, 100, 200, 600], ridge)
for n in (50, 200, 600):
    told, found = float(of_network.test.sel(n=n)), measured(features @ features.T, labels, n, ridge)
    print(n, f"predicted from 300 rows {told:.3f}, measured {found:.3f}; pixels {measured(images @ images.T, parity, n, ridge):.3f}")
    assert abs(told / found - 1.0) < 0.3

# %% [markdown]
# ## Try
# Your own `X` and `y`; a tangent kernel for rows of length 1, `kernel=lambda x, z: rg.NTK("relu", depth=2)(x @ z.T)`, or that
# of a network of yours, `rg.tangent_features(apply, params, inputs, directions=500)`; `rg.estimate_risk(..., intercept=True)` for leave-one-out at many ridges.
