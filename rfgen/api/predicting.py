"""`predict`: the exact curve."""

__all__ = ["predict"]

from typing import Any

from rfgen.api.methods.table import method_for
from rfgen.numerics.precision import double_precision
from rfgen.problems.classes.mixture import Mixture
from rfgen.problems.data_task import DataTask
from rfgen.problems.learner import Learner
from rfgen.problems.system_task import SystemTask
from rfgen.problems.task import Task
from rfgen.systems.sparse.sparse_regression import SparseRegression
from rfgen.systems.xor.two_layer_relu import TwoLayerReLU
from rfgen.systems.xor.xor_clusters import XORClusters


@double_precision
def predict(
    task: Task | DataTask | Mixture | SparseRegression | XORClusters | SystemTask, learner: Learner | TwoLayerReLU,
    n: Any = None, form: str | None = None, by_mode: bool = False, members: Any = None,
) -> Any:  # fmt: skip
    """The exact curve: an xarray Dataset over every argument given as an array.

    Parameters: `task` (what is learned), `learner` (who learns), `n` the number of samples, a number > 0 or an array
    (n,), left out for trainings on fresh samples. Dimensions `n`, `features`, `ridge`, `views` and strengths of an
    augmentation, and `output` if the task keeps its outputs; scalars are scalar coordinates.

    Variables, each over all dimensions: `test` = `bias` + `variance` + `noise` (risks, in units of the target squared),
    `train`, `norm`, `amplification`; diagnostics `kappa`, `gamma`, `df1`, `residual`, `converged`.  A divergent point is
    inf; a point whose equilibrium was not solved is NaN with `converged` False and a reason in `attrs["failures"]`.

    With an augmentation: `data_variance` + `features_variance` = `variance` in place of `kappa`, `gamma`.  `form`
    "moment" or "pattern" forces one of the two deterministic equivalents; None takes the right one, and `attrs["form"]`
    says which. Where patterns are sampled, `test_pattern_se`, `train_pattern_se` are the standard errors from it; moments
    estimated from real inputs give `attrs["moments_error"]`, their relative standard errors.

    `members`: the curve of an ensemble, the mean prediction of so many models trained on the same samples and views, each
    with features (initial weights, resampled data) of its own; a whole number, math.inf or an array, a last dimension.
    Ridge on features adds `effective_ridge`, that of the kernel regression which infinitely many members equal.

    Stochastic gradient descent adds `growth`, `stability_mass` and `stationary_test`: the factor by which the risk grows
    per step (1: stable), the share of the loss that returns as noise (stable below 1), and the test risk where the last
    iterate comes to rest.  `by_mode`: one pass on the kernel's own modes also gives `bias_by_mode`, `variance_by_mode`,
    `noise_by_mode` (of an infinite spectrum: of its first, explicit modes).  Costs a microsecond a step for each setting,
    with features or many passes about a second.

    On an `rg.Mixture` (two classes) the variables are `error`, the share of wrong classes, `error_by_class` over `class`
    (+1, -1), `train_error` (share of training labels missed), `train_loss`, `norm`, `intercept`, `support` (share of
    training rows with margin at most 1), `residual`, `converged`: see `rfgen.theory.margin_classifier`.  On an
    `rg.SparseRegression`: `test`, `excess` (test risk less the noise), `train`, `norm`, `active` and others, see
    `rfgen.systems.sparse.state_evolution`.  On `rg.XORClusters`, for an `rg.TwoLayerReLU`: `test_accuracy`, `test_error`,
    `train_accuracy` over `step` = [1], see `rfgen.systems.xor.first_step`.

    Regime and sources: `rfgen.theory.risk`, `augmented_risk`.  Costs 2-5 (augmented 20-80) microseconds a point, whatever
    the number of modes.

    >>> import rfgen as rg
    >>> task = rg.Task.power_law(alpha=1.5, beta=1.5, noise=0.5, modes=10_000)
    >>> curve = rg.predict(task, rg.Learner(rg.Ridge([1e-3, 0.1]), features=256), n=[64, 256, 1024])
    >>> curve.test.dims, curve.test.values[2].round(6)
    (('n', 'ridge'), array([0.937271, 0.873427]))
    """
    method, options = method_for("predict", task, learner, form=form, by_mode=by_mode, members=members)
    return method.theory(task, learner, n, **options)
