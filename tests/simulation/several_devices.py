"""Every path of the simulations on forced host devices, in a process of its own: what differs from one device, as JSON.

    XLA_FLAGS=--xla_force_host_platform_device_count=4 python tests/simulation/several_devices.py [PATH ...]
"""

import json
import sys
import time
from contextlib import contextmanager

import jax
import numpy as np

import rfgen as rg
from rfgen.api.nouns import in_modes
from rfgen.simulation.random_numbers import device_key, trial_words
from rfgen.simulation.runs.blocks.blocked_risk import blocked_risk, in_blocks
from rfgen.simulation.runs.ensemble import Members
from rfgen.simulation.runs.memory import pair_bytes
from rfgen.simulation.runs.risk import risk
from rfgen.simulation.runs.trials import source_of
from rfgen.simulation.sampling.samplers import sampler

TASK = rg.Task(np.arange(1.0, 31.0) ** -1.0, np.arange(1.0, 31.0) ** -1.5, noise=0.3)
INPUTS = np.random.default_rng(0).standard_normal((60, 12))
DATA = rg.DataTask(INPUTS, np.sign(INPUTS[:, 0]) + INPUTS[:, 1], noise=0.1)
CLASSES = rg.Mixture(np.full(10, 0.5), np.ones(10), flip=0.1)
RIDGE = rg.Ridge([0.1, 1.0])
FLOW = rg.GradientFlow([1.0, 10.0])

# What is simulated, and how many digits of it are there: single precision, or fits by iteration, have fewer.
PATHS = {
    "kernel": (TASK, rg.Learner(RIDGE), 20, {}, 1e-9),
    "many rows": (TASK, rg.Learner(RIDGE), 50, {}, 1e-9),
    "features": (TASK, rg.Learner(RIDGE, features=15), 20, {}, 1e-7),
    "features, many rows": (TASK, rg.Learner(RIDGE, features=15), 40, {}, 1e-9),
    "float32": (TASK, rg.Learner(RIDGE, features=15), 20, {"dtype": "float32"}, 2e-2),
    "flow": (TASK, rg.Learner(FLOW), 20, {}, 1e-9),
    "flow, features": (TASK, rg.Learner(FLOW, features=15), 20, {}, 1e-7),
    "flow, start": (TASK, rg.Learner(rg.GradientFlow([1.0, 10.0], initial_variance=0.5), features=15), 20, {}, 1e-7),
    "augmentation": (TASK, rg.Learner(RIDGE, augmentation=rg.GaussianNoise(0.2, views=2)), 20, {}, 1e-9),
    "all views": (TASK, rg.Learner(RIDGE, augmentation=rg.Mask(0.7, views=np.inf)), 20, {}, 1e-9),
    "test views": (TASK, rg.Learner(RIDGE, augmentation=rg.Mask(0.7, views=2), test_views=2), 20, {}, 1e-9),
    "data": (DATA, rg.Learner(RIDGE), 20, {}, 1e-9),
    "data, rest": (DATA, rg.Learner(RIDGE), 20, {"test_rows": "rest"}, 1e-9),
    "data, flow": (DATA, rg.Learner(FLOW, features=8), 20, {}, 1e-7),
    "data, views": (DATA, rg.Learner(RIDGE, augmentation=rg.GaussianNoise(0.2, views=2)), 20, {}, 1e-9),
    "sphere": (rg.Task.sphere(5, rg.NTK("relu", depth=1), [0.0, 1.0]), rg.Learner(RIDGE), 20, {}, 1e-5),
    "activations": (
        rg.Task.gaussian_inputs(np.ones(12), "tanh", np.ones(12), test_points=40), rg.Learner(RIDGE, features=15), 20, {},
        1e-7,
    ),
    "members": (TASK, rg.Learner(RIDGE, features=15), 20, {"members": 3}, 1e-7),
    "members, flow": (TASK, rg.Learner(FLOW, features=15), 20, {"members": 2}, 1e-7),
    "bags": (TASK, rg.Learner(RIDGE, resampling=rg.Bootstrap()), 20, {"members": 3}, 1e-9),
    "SGD": (TASK, rg.Learner(rg.SGD(0.05, [5, 10], batch=3)), 20, {}, 1e-9),
    "SGD, features": (TASK, rg.Learner(rg.SGD(0.05, [5, 10]), features=15), 20, {}, 1e-7),
    "SGD, views": (
        TASK, rg.Learner(rg.SGD(0.05, [5], fresh=True), augmentation=rg.GaussianNoise(0.2, views=2)), 20, {}, 1e-9
    ),
    "one pass": (TASK, rg.Learner(rg.OnePassSGD(0.05, [5, 10], batch=[1, 2])), None, {}, 1e-9),
    "one pass, features": (TASK, rg.Learner(rg.OnePassSGD(0.05, [5, 10]), features=15), None, {}, 1e-9),
    "momentum": (TASK, rg.Learner(rg.DANA(0.02, 0.01, 10), features=15), None, {}, 1e-9),
    "logistic": (CLASSES, rg.Learner(rg.Logistic([0.1, 1.0])), 30, {}, 1e-7),
    "margins": (CLASSES, rg.Learner(rg.MaxMargin()), 12, {}, 1e-6),
    "hinge, features": (CLASSES, rg.Learner(rg.Hinge(1.0), features=15), 30, {}, 1e-6),
    "classes, views": (CLASSES, rg.Learner(rg.Logistic(1.0), augmentation=rg.GaussianNoise(0.2, views=2)), 20, {}, 1e-7),
    "attacked": (CLASSES, rg.Learner(rg.AdversarialTraining(rg.Logistic(1.0), 0.05, "linf")), 30, {}, 1e-6),
    "sparse": (rg.SparseRegression.equal(30, 3, 1.0, noise=0.1), rg.Learner(rg.Lasso([1.0, 5.0])), 20, {}, 1e-6),
    "heavy tails": (
        rg.NoisyTask(rg.Task.isotropic(10, noise=0.5), rg.LaplaceNoise(1.0)), rg.Learner(rg.Huber(1.0, 1.0)), 20, {}, 1e-6
    ),
    "networks": (rg.XORClusters(200, 6.0), rg.TwoLayerReLU(20, 0.01, 3, 2e-4), 20, {}, 1e-5),
}
TRIALS = 5
# More than a device is given: its rows are shared out.
GAUSSIAN, GENTLE = rg.Task.power_law(1.5, 1.5, 0.5, modes=70), rg.Ridge([0.05, 1.0])
REAL = rg.DataTask(INPUTS, np.sign(INPUTS[:, 0]) + INPUTS[:, 1], noise=0.1)
DRAWN = rg.DataTask(INPUTS, REAL.labels, noise=0.1, sampling="with replacement")
KERNEL = rg.Task.from_kernel(INPUTS @ INPUTS.T, REAL.labels, noise=0.1)
BAGS = rg.Bootstrap()
LARGE = {
    "rows": (GAUSSIAN, rg.Learner(GENTLE), 45), "many rows": (GAUSSIAN, rg.Learner(GENTLE), 90),
    "features": (GAUSSIAN, rg.Learner(GENTLE, features=30), 45),
    "more features": (GAUSSIAN, rg.Learner(GENTLE, features=60), 45),
    "features, many rows": (GAUSSIAN, rg.Learner(GENTLE, features=30), 90),
    "data": (REAL, rg.Learner(GENTLE), 30), "data with replacement": (DRAWN, rg.Learner(GENTLE), 10),
    "data, features": (REAL, rg.Learner(GENTLE, features=15), 10),
    "members": (GAUSSIAN, rg.Learner(GENTLE, features=30), 45), "bags": (GAUSSIAN, rg.Learner(GENTLE, resampling=BAGS), 45),
    "views": (GAUSSIAN, rg.Learner(GENTLE, augmentation=rg.Jitter(0.3, views=2)), 30),
    "mixed views": (GAUSSIAN, rg.Learner(GENTLE, augmentation=rg.Mixup(0.5, views=3)), 15),
    "views of data": (KERNEL, rg.Learner(GENTLE, augmentation=rg.GaussianNoise(0.1, views=2)), 20),
    "bags of views": (GAUSSIAN, rg.Learner(GENTLE, augmentation=rg.Mixup(0.5, views=2), resampling=BAGS), 45),
}
# Of these, beside members with features: real rows, which are fetched, and the columns' Gram matrices of bags of views.
SHARED = ("data", "bags of views")


@contextmanager
def as_if(name, value):
    """Every module's own `name` as `value`, with nothing compiled before."""
    modules = [one for title, one in list(sys.modules.items()) if title.startswith("rfgen.") and hasattr(one, name)]
    before = [getattr(one, name) for one in modules]
    jax.clear_caches()
    for one in modules:
        setattr(one, name, value)
    try:
        yield
    finally:
        for one, own in zip(modules, before, strict=True):
            setattr(one, name, own)
        jax.clear_caches()


def numbers(path):
    """Everything measured at `path`."""
    task, learner, n, options, _ = PATHS[path]
    found = rg.simulate(task, learner, n, trials=TRIALS, seed=3, **options)
    return {name: np.asarray(found[name]) for name in found.data_vars}


def one_in_blocks(path):
    """The largest difference of one trial on all devices from one on the host."""
    task, learner, n = LARGE[path]
    with jax.enable_x64(True):
        own = in_modes(task)
        source = source_of(task, own, learner.augmentation, None, "float64", "population")
        features = None if np.isinf(learner.features) else int(learner.features)
        members = Members(2 if path in ("members", "bags", "bags of views") else 1, learner.resampling)
        words = trial_words(3, n, features, 0, 2)
        given = n, features, learner.training.ridge, own.noise
        whole = risk(source, words, *given, batched=False, members=members)
        shared = in_blocks(source, n, learner.training.ridge).placed()
        found = blocked_risk(shared.base, shared.examples, device_key(words), *given, members)
    both = ({name: np.asarray(own) for name, own in vars(one).items() if own is not None} for one in (whole, found))
    return difference(*both)


def beyond_a_device():
    """The same of a whole run that is planned for less than a device would need."""
    task, learner, n = LARGE["members"]
    given = n, int(learner.features), 1, learner.training.ridge, 8, Members(2)
    memory = pair_bytes(sampler(task, "float64", "population"), *given) - 1
    runs = [rg.simulate(task, learner, n, trials=2, seed=3, members=2, memory=each) for each in (None, memory)]
    return difference(*({name: np.asarray(run[name]) for name in run.data_vars} for run in runs))


def difference(one, other):
    """The largest difference of means, relative to the largest number of the variable."""
    worst = 0.0 if one.keys() == other.keys() else np.inf
    for name in one:
        scale = np.nanmax(np.abs(np.where(np.isfinite(one[name]), one[name], 0.0)), initial=1e-12)
        with np.errstate(invalid="ignore"):
            apart = np.where(one[name] == other[name], 0.0, np.abs(one[name] - other[name]) / max(scale, 1.0))
        apart = np.where(np.isnan(one[name]) & np.isnan(other[name]), 0.0, np.where(np.isnan(apart), np.inf, apart))
        worst = max(worst, float(np.max(apart, initial=0.0)))
    return worst


def main():
    """One line of JSON: devices, and by path what an accelerator's programs and one device differ by."""
    asked = sys.argv[1:] or list(PATHS)
    found = {}
    every = {}
    for path in asked:
        begun = time.process_time()
        every[path] = numbers(path)
        values = {name: own.tolist() for name, own in every[path].items()}
        found[path] = {"seconds": [time.process_time() - begun], "numbers": values}
    with as_if("on_host", lambda: False):
        for path in asked:
            begun = time.process_time()
            try:
                found[path]["as on an accelerator"] = difference(every[path], numbers(path))
            except Exception as error:  # noqa: BLE001  told with the others
                found[path]["as on an accelerator"] = f"{type(error).__name__}: {error}"[:600]
            found[path]["seconds"].append(time.process_time() - begun)
            print(path, found[path]["as on an accelerator"], file=sys.stderr, flush=True)
    shared = None
    if len(jax.devices()) > 1:
        shared = {path: one_in_blocks(path) for path in (SHARED if sys.argv[1:] else LARGE)} | {"a run": beyond_a_device()}
    print(json.dumps({"devices": len(jax.devices()), "in blocks": shared, "paths": found}))


if __name__ == "__main__":
    main()
