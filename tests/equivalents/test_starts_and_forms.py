"""Where the equilibrium's root is looked for, and quadratic forms over nodes."""

import importlib

import jax
import numpy as np
import pytest

import rfgen as rg
from rfgen.equivalents.equilibrium import equilibrium, training_group
from rfgen.equivalents.node_kernels import quadratic_form

# the package has a function of this name
module = importlib.import_module("rfgen.equivalents.equilibrium")


@pytest.mark.parametrize("modes", [2000, None])
def test_one_step_is_enough_from_the_table(monkeypatch, modes):
    """The root is started within the step whose successor is lost in rounding: grids take one pass, not five."""
    task, started = rg.Task.power_law(1.5, 1.5, 0.5, modes=modes), []
    search = module.decreasing_root

    def followed(function, lower, upper, start, last_step):
        started.append(start)
        return search(function, lower, upper, start, last_step)

    monkeypatch.setattr(module, "decreasing_root", followed)
    with jax.enable_x64(True):

        def distance(n, features, ridge):
            found = equilibrium(training_group(task.modes, n, 0.5), features, ridge)
            return started[-1] - jax.numpy.log(found.gamma)

        settings = np.meshgrid([10.0, 80.0, 1000.0], [20.0, 80.0, np.inf], [1e-3, 0.1, 10.0])
        away = jax.jit(jax.vmap(distance))(*(np.ravel(each) for each in settings))
    assert np.max(np.abs(away)) < module.LAST_STEP


def test_quadratic_forms_are_those_of_all_pairs():
    """Against the sum over nodes, their conjugates and infinity, written out."""
    rng = np.random.default_rng(0)
    filters, kernel = (rng.normal(size=(2, *shape)) for shape in ((3, 4), (5, 10, 2)))
    filters, kernel = filters[0] + 1j * filters[1], kernel[0] + 1j * kernel[1]
    own = np.concatenate([filters, 0.5 * (1.0 - 2.0 * filters.sum(axis=1, keepdims=True).real)], axis=1)
    whole = 2.0 * np.einsum("ta,abs,tb->ts", own, kernel, np.concatenate([own, own.conj()], axis=1)).real
    np.testing.assert_allclose(quadratic_form(filters, kernel), whole, rtol=1e-12)
    np.testing.assert_allclose(quadratic_form(filters, kernel[..., 1]), whole[:, 1], rtol=1e-12)
