"""Roots against optimistix and closed forms; derivatives of first, second and third order."""

import jax
import jax.numpy as jnp
import numpy as np
import optimistix
import pytest

from rfgen.numerics.monotone_root import decreasing_root


@pytest.fixture(autouse=True)
def _double():
    with jax.enable_x64(True):
        yield


def cube_root(y):
    return decreasing_root(lambda x: (y - x**3, -3.0 * x**2), jnp.array(0.0), jnp.array(50.0), jnp.array(40.0))


@pytest.mark.parametrize("y", [1e-6, 0.3, 2.0, 9e4])
def test_value_and_three_derivatives(y):
    value = cube_root(jnp.array(y))
    assert float(value) == pytest.approx(y ** (1 / 3), rel=4e-15, abs=4e-15)
    first, second, third = jax.grad(cube_root), jax.grad(jax.grad(cube_root)), jax.grad(jax.grad(jax.grad(cube_root)))
    assert float(first(y)) == pytest.approx(y ** (-2 / 3) / 3, rel=1e-12)
    assert float(second(y)) == pytest.approx(-2 * y ** (-5 / 3) / 9, rel=1e-12)
    assert float(third(y)) == pytest.approx(10 * y ** (-8 / 3) / 27, rel=1e-12)
    assert float(jax.jacfwd(jax.jacrev(cube_root))(y)) == pytest.approx(-2 * y ** (-5 / 3) / 9, rel=1e-12)


def test_agrees_with_optimistix():
    def f(x):
        return jnp.exp(-x) - 0.1 * x - 0.2

    ours = decreasing_root(lambda x: (f(x), -jnp.exp(-x) - 0.1), jnp.array(-3.0), jnp.array(9.0), jnp.array(9.0))
    theirs = optimistix.root_find(
        lambda x, _: f(x), optimistix.Newton(rtol=1e-14, atol=1e-14), jnp.array(1.0), max_steps=100
    ).value
    assert float(ours) == pytest.approx(float(theirs), rel=1e-14)


def test_flat_function_is_bisected():
    # Newton alone would leave the bracket: the slope is 1e-12 outside a narrow step
    def f(x):
        return -jnp.tanh(50.0 * (x - 7.3)) - 1e-12 * x, -50.0 / jnp.cosh(50.0 * (x - 7.3)) ** 2 - 1e-12

    assert float(decreasing_root(f, jnp.array(-700.0), jnp.array(700.0), jnp.array(700.0))) == pytest.approx(7.3, abs=1e-12)


@pytest.mark.parametrize("y", [1e-3, 0.3, 9e4])
def test_a_last_step_is_taken_whose_successor_is_lost(y):
    """The cube root by its logarithm: of a line, and of an exponential, whose second derivative is 3 of the first."""
    straight = decreasing_root(
        lambda x: (jnp.log(y) - 3.0 * x, jnp.full_like(x, -3.0)), *map(jnp.array, (-9.0, 9.0, 9.0)), last_step=3e-9
    )
    assert float(jnp.exp(straight)) == pytest.approx(y ** (1 / 3), rel=1e-14)
    bent = decreasing_root(
        lambda x: (y - jnp.exp(3.0 * x), -3.0 * jnp.exp(3.0 * x)), *map(jnp.array, (-9.0, 9.0, 9.0)), last_step=3e-9
    )
    assert float(jnp.exp(bent)) == pytest.approx(y ** (1 / 3), rel=1e-14)


def test_vmap_is_the_stack_of_scalars():
    ys = jnp.array([0.01, 1.0, 8.0, 1e4])
    batched = jax.jit(jax.vmap(cube_root))(ys)
    assert np.allclose(batched, [float(cube_root(y)) for y in ys], rtol=1e-15, atol=0.0)
