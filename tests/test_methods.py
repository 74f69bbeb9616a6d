"""The table of methods, and its one voice: what is not covered is refused in a sentence that names it and what to do."""

import re

import numpy as np
import pytest

import rfgen as rg
from rfgen.api.methods.method import OPTIONS
from rfgen.api.methods.table import METHODS, method_for

TASK, DATA = rg.Task.isotropic(20, noise=0.1), rg.algebra.data("X")
CLASSES, SPARSE = rg.Mixture([1.0] * 4, np.ones(4)), rg.SparseRegression.equal(30, 2, noise=0.1)
TASKS = {
    rg.Task: TASK, rg.Mixture: CLASSES, rg.Teacher: rg.Teacher([1.0] * 4, np.ones(4)), rg.SparseRegression: SPARSE,
    rg.XORClusters: rg.XORClusters(40, 6.0),
    rg.ZonalLabels: rg.ZonalLabels(3, rg.NTK("relu"), lambda t: 0.5 * t, degrees=4),
    rg.Domains: rg.Domains({"a": TASK}),
    rg.CorrelatedClasses: rg.CorrelatedClasses([1.0] * 4, np.eye(4)),
    rg.LabelledFeatures: rg.LabelledFeatures(np.sin(np.outer(np.arange(60), np.arange(1, 5))), (-1.0) ** np.arange(60)),
    rg.GaussianMixture: rg.GaussianMixture([8, 4], [1.0, -1.0], np.ones((2, 1)), [[1.0], [-1.0]], [5]),
}
MADE = {
    rg.Huber: rg.Huber(0.1),
    rg.Ridge: rg.Ridge(0.1), rg.GradientFlow: rg.GradientFlow(1.0), rg.IteratedRidge: rg.IteratedRidge(0.1, steps=2),
    rg.SGD: rg.SGD(0.1, steps=5), rg.OnePassSGD: rg.OnePassSGD(0.1, steps=5),
    rg.DANA: rg.DANA(0.1, 0.01, steps=5), rg.Lasso: rg.Lasso(1.0),
    rg.AdversarialTraining: rg.AdversarialTraining(rg.Hinge(1.0), 0.1),
    rg.NaiveBayes: rg.NaiveBayes(), rg.ClassDescent: rg.ClassDescent(0.1, steps=2),
    rg.DeepLinearFlow: rg.DeepLinearFlow(1.0, depth=2, length=0.5),
    rg.algebra.Estimator: rg.algebra.Estimator(rg.algebra.ridge_fit(DATA, rg.algebra.labels(DATA), ridge=0.1)),
}
OF_LEARNER = {
    "features": {"features": 8}, "augmentation": {"augmentation": rg.Mask(0.5)},
    "resampling": {"resampling": rg.Bootstrap()}, "test_views": {"augmentation": rg.Mask(0.5), "test_views": 2},
}
OF_TRAINING = {
    "intercept": {rg.Ridge: rg.Ridge(0.1, intercept=True), rg.Huber: rg.Huber(0.1, intercept=True)},
    "reshuffle": {rg.SGD: rg.SGD(0.1, steps=5, reshuffle=True)},
    "initial_variance": {rg.GradientFlow: rg.GradientFlow(1.0, initial_variance=0.5)},
}
OF_CALL = {
    "members": 2, "form": "moment", "by_mode": True, "dtype": "float32", "test_rows": "rest", "weights": {"a": 1.0},
}
TAKES = {
    "predict": ("members", "form", "by_mode", "weights"),
    "simulate": ("members", "dtype", "test_rows", "weights"),
    "fine_grained_variance": ("form",), "optimal_augmentation": ("form",), "optimal_stopping": ("form",),
}


def asking(row, verb, option):
    """Task, learner, n and the arguments of a call that asks for the option; None where it cannot be asked for."""
    kind = next(kind for kind in (*MADE, rg.TwoLayerReLU, rg.Sequence) if kind in row.trainings)
    task = TASKS[next(kind for kind in TASKS if kind in row.tasks)]
    n = None if kind in (rg.OnePassSGD, rg.DANA) else 20
    if kind is rg.TwoLayerReLU:
        learner = rg.TwoLayerReLU(width=10, rate=0.01, steps=2, init=1e-3)
        return (task, learner, n, {option: OF_CALL[option]}) if option in TAKES.get(verb, ()) else None
    if kind is rg.algebra.Estimator:
        return (task, MADE[kind], n, {option: OF_CALL[option]}) if option in TAKES.get(verb, ()) else None
    if kind is rg.Sequence:
        learner = rg.Sequence([rg.Stage("one", rg.Learner(rg.Ridge(0.1)), {"a": 20})])
        return (task, learner, None, {option: OF_CALL[option]}) if option in TAKES.get(verb, ()) else None
    if option in OF_LEARNER:
        return task, rg.Learner(MADE[kind], **OF_LEARNER[option]), n, {}
    if option in OF_TRAINING:
        return (task, rg.Learner(OF_TRAINING[option][kind]), n, {}) if kind in OF_TRAINING[option] else None
    return (task, rg.Learner(MADE[kind]), n, {option: OF_CALL[option]}) if option in TAKES.get(verb, ()) else None


VERBS = list(dict.fromkeys(verb for row in METHODS for verb in row.covers))
NOT_COVERED = [
    pytest.param(row, verb, option, id=f"{row.name}-{verb}-{option}")
    for row in METHODS for verb in row.covers for option in OPTIONS
    if option not in row.covers[verb] and verb != "overfitting_cost" and asking(row, verb, option)
    and not (option == "dtype" and row.dtype == "float32")
]


def called(verb, task, learner, n, options):
    extra = {"radius": 0.1} if verb == "adversarial_error" else {}
    what = "budget" if verb == "optimal_mixture" else "n"
    size = {} if n is None and verb in ("predict", "simulate") else {what: n or 20}
    return getattr(rg, verb)(task, learner, **size, **extra, **options)


def test_the_walk_is_long():
    assert len(NOT_COVERED) > 60


@pytest.mark.parametrize(("row", "verb", "option"), NOT_COVERED)
def test_what_is_not_covered_is_refused_with_a_remedy(row, verb, option):
    with pytest.raises(ValueError, match=f"is not covered by {verb} for {re.escape(row.name)}, got ") as refused:
        called(verb, *asking(row, verb, option))
    said = str(refused.value)
    # test_views needs an augmentation, which is refused first where it is not covered
    assert said.startswith((option, "augmentation" if option == "test_views" else option))
    assert "leave it out (" in said


@pytest.mark.parametrize("verb", [verb for verb in VERBS if verb not in ("predict", "simulate", "overfitting_cost")])
def test_verbs_say_what_they_take(verb):
    for row in METHODS:
        if verb not in row.covers:
            task, learner, n, _ = asking(row, "simulate", "dtype")
            with pytest.raises(ValueError, match=rf"{verb} is not there for .*: it takes rg\.|task must be an rg\."):
                called(verb, task, learner, n, {})


@pytest.mark.parametrize("option", OPTIONS)
def test_every_option_is_covered_somewhere(option):
    assert any(option in covered for row in METHODS for covered in row.covers.values())


def test_covered_options_reach_the_method():
    learner = rg.Learner(rg.Ridge(0.1), features=8)
    method, options = method_for("predict", TASK, learner, members=3, form=None, by_mode=False)
    assert method.name == "ridge regression" and options == {"members": 3}


def test_nouns_that_do_not_meet():
    with pytest.raises(ValueError, match=r"task must be an rg\.Mixture, .* or rg\.LabelledFeatures to train Hinge"):
        rg.predict(TASK, rg.Learner(rg.Hinge(0.1)), 20)
    with pytest.raises(ValueError, match=r"to train Lasso.*on which are trained rg\.Ridge, rg\.Logistic"):
        rg.simulate(CLASSES, rg.Learner(rg.Lasso(1.0)), 20)
    with pytest.raises(ValueError, match=r"task must be an rg\.Task, .* or rg\.XORClusters for predict, got int"):
        rg.predict(3, rg.Learner(rg.Ridge()), 20)
    with pytest.raises(ValueError, match=r"learner must be an rg\.Learner, got int"):
        rg.predict(TASK, 3, 20)

    class Two(rg.Mixture):
        """A mixture still."""

    assert rg.predict(Two([1.0] * 4, np.ones(4)), rg.Learner(rg.Ridge(0.1)), 20).error.ndim == 0


def test_single_precision_is_what_networks_have():
    runs = rg.simulate(TASKS[rg.XORClusters], rg.TwoLayerReLU(10, 0.01, 1, 1e-3), 20, trials=2, dtype="float32")
    assert runs.attrs["dtype"] == "float32"


def test_the_table_prints_and_renders():
    table = rg.methods()
    assert "one pass of SGD: rg.OnePassSGD or rg.AcceleratedSGD on rg.Task or rg.DataTask" in repr(table)
    page = table._repr_html_()
    assert page.count("<tr>") == 1 + int(table.served.sum()) and page.count("\u2713") == int(table.covered.sum())
    covered = table.dataset.covered
    assert covered.sel(name="one pass of SGD", verb="predict", option="by_mode")
    assert not covered.sel(name="one pass of SGD", verb="simulate", option="by_mode")


def test_a_name_that_is_none_is_told_with_the_near_ones():
    for mapping, name, near in (
        (rg.methods().about, "ridge", "ridge regression"),
        (rg.formula("kernel risk").arguments, "eigenvalue", "eigenvalues"),
    ):
        with pytest.raises(KeyError, match=f"no .* '{name}': near it are '{near}'"):
            mapping[name]
