"""The root of a decreasing function inside a proven bracket, differentiable to every order.

Newton's step is taken when it stays strictly inside the current bracket, the midpoint otherwise, so the search ends for
any decreasing function, however flat; a bracket of 1,400 (all of the double range, in logarithms) costs at most 60 extra
bisections.  The derivative is that of the implicit function theorem (see `implicit`): exact, no matter how the root
was found.
"""

__all__ = ["decreasing_root"]

from collections.abc import Callable

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from rfgen.numerics.implicit import hoisted, implicit

# Newton from inside the bracket needs 4-8 passes on the spectra of tests/cases.py; bisection alone would need 62.
MAX_PASSES = 100


def decreasing_root(
    function: Callable[[Array], tuple[Array, Array]],
    lower: Float[Array, ""],
    upper: Float[Array, ""],
    start: Float[Array, ""],
    last_step: float = 0.0,
) -> Float[Array, ""]:
    """The `x` in `[lower, upper]` with `function(x)[0] == 0`.

    `function` returns value and slope, is decreasing, positive at `lower` and negative at `upper` (to rounding).
    Iteration stops when Newton's step is below 4 units in the last place of max(|x|, 1), or the bracket is that small; or
    when the step is below `last_step`, for whoever knows that the next one, of its square by half the ratio of second
    and first derivative, is lost in rounding.

    >>> import jax, jax.numpy as jnp
    >>> with jax.enable_x64(True):
    ...     float(decreasing_root(lambda x: (2.0 - x * x, -2.0 * x), jnp.array(0.0), jnp.array(9.0), jnp.array(1.0)))
    1.414213562373095...
    """
    # what it closes over, held: nothing of the search is differentiated
    traced, values = hoisted(function, start)
    fixed = jax.lax.stop_gradient(values)
    lower, upper, guess = jax.lax.stop_gradient((lower, upper, jnp.clip(start, lower, upper)))
    tiny = 4 * jnp.finfo(guess.dtype).eps

    def unfinished(state: tuple[Array, ...]) -> Array:
        return ~state[3] & (state[4] < MAX_PASSES)

    def step(state: tuple[Array, ...]) -> tuple[Array, ...]:
        low, high, x, _, passes = state
        value, slope = traced(x, *fixed)
        low, high = jnp.where(value > 0, x, low), jnp.where(value > 0, high, x)
        newton = x - value / slope
        inside = (newton > low) & (newton < high)
        scale = tiny * jnp.maximum(jnp.abs(x), 1.0)
        settled = (jnp.abs(newton - x) <= jnp.maximum(scale, last_step)) | (high - low <= scale)
        midpoint = 0.5 * (low + high)
        x = jnp.where(inside, newton, jnp.where(settled, x, midpoint))
        return low, high, x, settled, passes + 1

    state = (lower, upper, guess, jnp.zeros((), bool), jnp.zeros((), jnp.int32))
    root = jax.lax.while_loop(unfinished, step, state)[2]
    return implicit(lambda x, *given: traced(x, *given)[0], root, values)
