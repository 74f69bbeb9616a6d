"""Programs compiled quickly, thoroughly and by default give one result; options that XLA does not know are left out."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from rfgen.numerics.compilation import program as module
from rfgen.numerics.compilation.program import program

VALUES = np.linspace(0.1, 3.0, 50)


def curve(x, power):
    return jnp.sum(jnp.tanh(x) ** power)


@pytest.mark.parametrize("power", [1, 3])
def test_all_grades_and_traces_agree(power):
    compiled = program(curve, static_argnames="power")
    expected = np.sum(np.tanh(VALUES) ** power)
    with jax.enable_x64(True):
        found = [
            compiled(VALUES, power=power), compiled.thorough(VALUES, power=power),
            jax.jit(lambda x: compiled(x, power=power))(VALUES),
            jax.vmap(lambda x: compiled(x, power=power))(VALUES[None])[0],
        ]
        slope = jax.grad(lambda x: compiled(x, power=power))(jnp.asarray(VALUES))
    np.testing.assert_allclose(found, expected, rtol=1e-14)
    np.testing.assert_allclose(slope, power * np.tanh(VALUES) ** (power - 1) / np.cosh(VALUES) ** 2, rtol=1e-13)


def test_unknown_options_are_left_out(monkeypatch):
    monkeypatch.setattr(module, "QUICK", {"xla_no_such_option": True})
    monkeypatch.setattr(module._Known, "options", True)
    assert float(program(lambda x: x + 1.0)(jnp.ones(()))) == 2.0
    assert not module._Known.options


def test_other_errors_are_raised():
    def broken(x):
        raise ValueError("shape")

    with pytest.raises(ValueError, match="shape"):
        program(broken)(1.0)
