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
# # Where does the formula come from?
#
# Ridge regression on Gaussian inputs, from the leave-one-out argument to the risk, with sympy for the algebra and a drawn matrix
# beside every step; at the end the same numbers from `rg.predict`.

# %%
import numpy as np
import sympy

import rfgen as rg

rng = np.random.default_rng(0)
modes, n, ridge, noise = 300, 200, 0.5, 0.2
eigenvalues = np.arange(1, modes + 1) ** -1.2
weights = np.arange(1, modes + 1) ** -0.3  # of the target, in coordinates of variance 1: v_i = weights_i sqrt(eigenvalues_i)
power = weights**2 * eigenvalues

# %% [markdown]
# ## 1. One number stands for the noise of the sample
# `Q = (XᵀX + δ)⁻¹` for rows `x = √λ z`. Leaving row x out changes it by a rank-one term (Sherman and Morrison):
# `Q x = Q₋ x / (1 + xᵀ Q₋ x)`, and `xᵀ Q₋ x` is nearly the same number `g = tr ΛQ` for every row. Therefore
# `XᵀX ≈ n Λ/(1 + g)` inside a trace, and with `κ = δ (1 + g)/n`: `Q ≈ (κ/δ) (Λ + κ)⁻¹`.

# %%
kappa, delta, samples, g = sympy.symbols("kappa delta n g", positive=True)
lam = sympy.Symbol("lambda", positive=True)
inverse = 1 / (samples * lam / (1 + g) + delta)
in_kappa = sympy.simplify(inverse.subs(g, kappa * samples / delta - 1))
assert sympy.simplify(in_kappa - kappa / delta / (lam + kappa)) == 0
in_kappa

# %% [markdown]
# `g = tr ΛQ = (κ/δ) Σ λ/(λ+κ)`, and `κ = δ(1 + g)/n` closes the loop: **n = Σ λ/(λ+κ) + δ/κ**. The right side falls with κ, so
# there is one solution; bisection finds it.

# %%
def effective_ridge(n, ridge):
    low, high = 1e-12, eigenvalues.sum() / n + ridge / n + 1.0
    for _ in range(200):
        middle = np.sqrt(low * high)
        value = np.sum(eigenvalues / (eigenvalues + middle)) + ridge / middle
        low, high = (middle, high) if value > n else (low, middle)
    return middle


k = effective_ridge(n, ridge)
X = rng.standard_normal((n, modes)) * np.sqrt(eigenvalues)
Q = np.linalg.inv(X.T @ X + ridge * np.eye(modes))
print("tr ΛQ drawn", np.sum(eigenvalues * np.diag(Q)), "by κ", k / ridge * np.sum(eigenvalues / (eigenvalues + k)))
assert np.isclose(np.sum(eigenvalues * np.diag(Q)), k / ridge * np.sum(eigenvalues / (eigenvalues + k)), rtol=0.05)
assert abs(rg.formula("kernel effective ridge")(n=n, ridge=ridge, kappa=k, eigenvalues=eigenvalues)) < 1e-9

# %% [markdown]
# ## 2. What is learned
# The mean of the fitted weight of mode i is `L_i = λ_i/(λ_i + κ)` of the true one, its **learnability**: ridge regression on the
# population, with κ in place of the ridge.

# %%
fits = []
for _ in range(200):
    X = rng.standard_normal((n, modes)) * np.sqrt(eigenvalues)
    y = X @ weights + np.sqrt(noise) * rng.standard_normal(n)
    fits.append(X.T @ np.linalg.solve(X @ X.T + ridge * np.eye(n), y))
fits = np.array(fits)
for mode in (0, 5, 50):
    print(f"mode {mode}: drawn {np.mean(fits[:, mode]) / weights[mode]:.3f}, L {eigenvalues[mode] / (eigenvalues[mode] + k):.3f}")

# %% [markdown]
# ## 3. The risk
# A small push `s` of the ridge by the test risk itself measures it: add `s` times the population risk to the objective and
# differentiate the minimum at s = 0. At the effective ridge the minimum is a sum over modes, and the equation of κ is what makes
# it stationary; its derivative along the equation is the factor on every error source. Sympy does it for levels of equal
# eigenvalues.

# %%
m1, m2, l1, l2 = sympy.symbols("m_1 m_2 lambda_1 lambda_2", positive=True)
equation = m1 * l1 / (l1 + kappa) + m2 * l2 / (l2 + kappa) + delta / kappa - samples
slope = -sympy.diff(equation, delta) / sympy.diff(equation, kappa)  # d kappa / d delta
df2 = m1 * (l1 / (l1 + kappa)) ** 2 + m2 * (l2 / (l2 + kappa)) ** 2
without = sympy.solve(equation, delta)[0]
factor = sympy.simplify((slope * samples).subs(delta, without) - samples / (samples - df2))
assert factor == 0
print("n dκ/dδ = n/(n - df2)")

# %% [markdown]
# So `test = n/(n − df₂) [Σ (κ/(λ_i+κ))² v_i² + σ²]`: the error of what is not learned and the noise, both amplified. And the
# residual on a training row is the leave-one-out residual times `δ/(nκ)`: `train = (δ/(nκ))² test`.

# %%
df2_here = np.sum((eigenvalues / (eigenvalues + k)) ** 2)
test = n / (n - df2_here) * (np.sum((k / (eigenvalues + k)) ** 2 * power) + noise)
drawn = np.sum((fits - weights) ** 2 * eigenvalues, axis=1) + noise
se = drawn.std() / np.sqrt(len(drawn))
print(f"risk {test:.4f}, drawn {drawn.mean():.4f} ± {se:.4f}")
assert abs(drawn.mean() - test) < 4 * se + 0.01 * test

# %% [markdown]
# ## 4. The package
# The same equation, for any spectrum, with random features, augmentation, along training.

# %%
task = rg.Task(eigenvalues, power, noise=noise)
curve = rg.predict(task, rg.Learner(rg.Ridge(ridge)), n=n)
print(f"by rg.predict {float(curve.test):.12f}, by hand {test:.12f}")
assert np.isclose(float(curve.test), test, rtol=1e-10)
assert np.isclose(float(curve.train), (ridge / (n * k)) ** 2 * test, rtol=1e-10)
rg.formula("random-feature risk")

# %% [markdown]
# **To try:** ridge 0 with n below and above the number of modes; eigenvalues that are all equal, where `rg.formula("isotropic
# risk")` is closed; the random-feature equation `γ (n − df₁)(k − df₁) = δ k` by the same argument, once for rows and once for
# columns.
