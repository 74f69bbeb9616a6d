"""`simulate`: the measured curve."""

__all__ = ["simulate"]

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
def simulate(
    task: Task | DataTask | Mixture | SparseRegression | XORClusters | SystemTask,
    learner: Learner | TwoLayerReLU,
    n: Any = None,
    trials: int = 45,
    seed: int = 0,
    dtype: str = "float64",
    test_rows: str = "population",
    memory: float | None = None,
    progress: bool | None = None,
    store: Any = None,
    members: Any = None,
) -> Any:
    """The measured curve: draw training sets, fit the estimator, measure; mean and standard error over `trials`.

    Gaussian tasks draw eigen-coordinates; `DataTask` and `Task.from_kernel` draw rows of the real examples, with
    replacement and measured on all of them (`test_rows="population"`, what the theory describes) or without and measured
    on those left (`test_rows="rest"`); `Task.sphere` draws points and uses the kernel itself.

    Augmented learners see drawn views: of the eigen-coordinates on a `Task`, where views=inf is exact, of the inputs on a
    `DataTask`.  Trials of all settings of an augmentation share their samples.

    One decomposition per trial serves all ridges, rates, momenta and times.  Initial weights are drawn anew in each trial
    and belong to the signal: their mean square counts as variance.  Unstable rates give inf.  Stochastic trainings are run
    step by step on drawn batches.  One pass (`OnePassSGD`, `AcceleratedSGD`) takes no `n` and measures no `train`: it
    draws fresh eigen-coordinates, or rows of the real examples with replacement.

    Results depend on (seed, n, features, trial), not on the order or grouping of the work.  `dtype` "float64" or
    "float32"; `memory` in bytes (default half the device's), `progress` True, False or None (only in a terminal or
    notebook); `store` a folder in which finished cells are kept, so that a killed run continues.

    `members`: each trial trains so many models on one training set and measures their mean prediction; a number or an
    array, as in `predict`.

    On an `rg.Mixture`: class sizes n * prior are rounded at random, labels flipped independently; errors are exact given
    the classifier.  `separable` is the share of trials in which a plane separates the training labels; `MaxMargin` is
    averaged over those.  On an `rg.SparseRegression` fits that do not converge are left out and counted in
    `attrs["failures"]`.  On `rg.XORClusters` the network is trained in single precision: `train_accuracy`,
    `test_accuracy`, `flips_fitted` over `step`.

    Returns the variables of `predict` that can be measured (`test`, `train`, `bias`, `variance`, `noise`, `norm`), each
    with `<name>_se`, and `trials`.

    >>> import rfgen as rg
    >>> runs = rg.simulate(rg.Task.isotropic(20, noise=0.1), rg.Learner(rg.Ridge(0.1)), n=40, trials=20, seed=1)
    >>> abs(float(runs.test) - 0.19) < 5 * float(runs.test_se)
    True
    """
    method, options = method_for("simulate", task, learner, dtype=dtype, test_rows=test_rows, members=members)
    return method.simulation(task, learner, n, trials, seed, memory, progress, store, **options)
