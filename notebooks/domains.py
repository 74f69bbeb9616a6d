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
# # Which rows are worth having?
#
# You have a few rows of the population that matters, and can have many of one that is near it: cheaper labels, other
# variances, a model's own output. When do they help, how should they be weighted, and what happens if models go on learning
# from models? Exact answers, each beside its simulation.

# %%
import warnings

import matplotlib.pyplot as plt
import numpy as np

import rfgen as rg

rg.cache_programs()
warnings.simplefilter("ignore")

# %% [markdown]
# ## Two sources
# The cheap rows have a target of correlation .9 with the real one and less label noise. At first they help; with many of
# them the model is theirs, unless they weigh less.

# %%
real = rg.Task.power_law(alpha=1.5, beta=1.5, noise=0.5, modes=400)
domains = rg.Domains({"real": real, "cheap": real.shifted(overlap=0.9, noise=0.1)})
learner = rg.Learner(rg.Ridge(0.3))
cheap = np.geomspace(5, 5000, 31)
curve = rg.predict(domains, learner, n={"real": 50, "cheap": cheap}, weights={"cheap": [0.1, 1.0]}, test="real")
few = {"real": 50, "cheap": [20, 500]}
runs = rg.simulate(domains, learner, n=few, weights={"cheap": [0.1, 1.0]}, test="real", trials=10)
rg.plot(curve, runs, x="n_cheap")
plt.show()

# %% [markdown]
# The value of one more row of each, by one derivative; where that of the cheap ones is negative they harm:

# %%
value = rg.row_value(domains, learner, n={"real": 50, "cheap": [20, 100, 500, 2500]}, test="real").value
print(value.values.round(5))
assert value.values[0].min() > 0 > value.values[-1, 1]

# %% [markdown]
# ## What to buy
# A real row costs eight times a cheap one. The best mixture, ridge and weights tuned inside: another unit of money is worth
# the same on either.

# %%
best = rg.optimal_mixture(
    domains, learner, budget=[100, 1000, 10000], cost={"real": 8.0, "cheap": 1.0}, test="real", weights=True
)
print(best.rows_of_domain.values.round(1), best.weight.values.round(2), best.test.values.round(3), sep="\n")
assert float(best.first_order.max()) < 1e-3

# %% [markdown]
# ## Stages
# Fine-tuning a model of an old task on a new one: what is gained and what is forgotten, along time.

# %%
both = rg.Domains({"old": real, "new": real.shifted(overlap=0.5)})
first = rg.Stage("first", rg.Learner(rg.Ridge(0.3)), n={"old": 200})
tuned = rg.Stage("tuned", rg.Learner(rg.GradientFlow(np.geomspace(0.3, 300, 9))), n={"new": 100}, start="first")
rg.plot(rg.predict(both, rg.Sequence([first, tuned])).sel(stage="tuned"), x="tuned_time")
plt.show()

# %% [markdown]
# Generations of models that label the rows of the next: with fresh real rows in every generation the error settles.

# %%
worlds = rg.Domains({"real": real, "made": real})
for n in ({"made": 200}, {"real": 100, "made": 100}):
    generations = rg.Sequence.collapse(rg.Learner(rg.Ridge(0.3)), n, "made", 6, noise=0.5)
    print(n, rg.predict(worlds, generations, test="real").test.values.round(3))
report = rg.check(worlds, generations, test="real", trials=10)
print(report)
assert report.agrees

# %% [markdown]
# ## To try
# Give the cheap rows other variances with `scale=`; put your own rows in as `(features, labels)`; let a weak model of few
# `features` teach a strong one; ask `optimal_mixture` for `test=["real", "cheap"]`.
