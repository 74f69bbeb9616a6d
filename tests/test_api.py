"""The verbs: shapes, names, scopes, threads, failures."""

import inspect
import math
import threading

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import xarray

import rfgen as rg

TASK = rg.Task.power_law(1.5, 1.5, 0.5, modes=200)


TABLES = ("cache_programs", "formulas", "methods")  # which ask nothing
VERBS = [name for name in rg.__all__ if inspect.isfunction(getattr(rg, name)) and name not in TABLES]


@pytest.mark.parametrize("name", VERBS)
def test_documentation_has_what_tools_read(name):
    verb = getattr(rg, name)
    heads = ("Parameters", "Returns", "Raises", "Examples")
    text = inspect.getdoc(verb)
    assert all(f"\n{head}\n{'-' * len(head)}\n" in text for head in heads)
    described = text.split("\nParameters\n")[1].split("\nReturns\n")[0]
    names = [line.split(" : ")[0] for line in described.splitlines() if line[:1].strip()]
    told = {word.strip(" *") for name in names for word in name.split(",")}
    assert set(inspect.signature(verb).parameters) <= told


def test_methods_tell_what_they_give():
    for name, text in rg.methods().about.items():
        assert "Returns\n-------" in text and "Measured" in text and text.splitlines()[0] in repr(rg.methods()), name


def every_verb():
    """One small call of each verb."""
    learner = rg.Learner(rg.Ridge([0.01, 0.1]), features=[10, 30])
    curve = rg.predict(TASK, learner, [10, 20])
    runs = rg.simulate(TASK, learner, [10, 20], trials=4)
    report = rg.check(TASK, rg.Learner(rg.Ridge(0.1)), 20, trials=4)
    best = rg.optimal_ridge(TASK, learner, 20)
    return curve, runs, report, best


def test_outer_product_and_scalar_coordinates():
    curve = rg.predict(TASK, rg.Learner(rg.Ridge([1e-3, 0.1]), features=[16, 32, 64]), n=[8, 16, 32, 64])
    assert isinstance(curve, xarray.Dataset)
    assert curve.test.dims == ("n", "features", "ridge")
    assert curve.test.shape == (4, 3, 2)
    single = rg.predict(TASK, rg.Learner(rg.Ridge(0.1), features=32), n=16)
    assert single.test.dims == ()
    assert float(single.n) == 16.0 and float(single.features) == 32.0 and float(single.ridge) == 0.1
    assert float(single.test) == float(curve.test.sel(n=16, features=32, ridge=0.1))
    kernel = rg.predict(TASK, rg.Learner(rg.Ridge(0.1)), n=16)
    assert math.isinf(float(kernel.features))
    one = rg.predict(TASK, rg.Learner(rg.Ridge([0.1])), n=[16])
    assert one.test.dims == ("n", "ridge")


def test_blocks_do_not_matter():
    n = np.linspace(5, 300, 130)  # beyond one small block
    learner = rg.Learner(rg.Ridge([0.0, 0.3]), features=50)
    whole = rg.predict(TASK, learner, n).test.values
    assert whole[77, 1] == float(rg.predict(TASK, rg.Learner(rg.Ridge(0.3), features=50), float(n[77])).test)


def test_unsorted_and_repeated_values_keep_their_order():
    curve = rg.predict(TASK, rg.Learner(rg.Ridge(0.1)), n=[40, 10, 40])
    assert curve.n.values.tolist() == [40, 10, 40]
    assert curve.test.values[0] == curve.test.values[2] != curve.test.values[1]


def test_attributes_explain_a_saved_dataset(tmp_path):
    curve, runs, *_ = every_verb()
    for data in (curve, runs):
        assert data.attrs["rfgen_version"] == rg.__version__
        assert "power_law" in data.attrs["task"]
        assert data.attrs["dtype"] == "float64"
    assert runs.attrs["seed"] == 0 and runs.attrs["trials"] == 4
    assert all(curve[name].attrs["long_name"] for name in curve.data_vars)


def test_outputs_kept_or_summed():
    power = np.array([[1.0, 0.5, 0.2], [0.1, 0.4, 0.9]])
    kept = rg.Task([1.0, 0.3, 0.1], power, [0.1, 0.2], keep_outputs=True)
    summed = rg.Task([1.0, 0.3, 0.1], power, [0.1, 0.2])
    learner = rg.Learner(rg.Ridge([0.1, 1.0]))
    curve = rg.predict(kept, learner, [2, 5])
    assert curve.test.dims == ("n", "ridge", "output") and curve.kappa.dims == ("n", "ridge")
    for output in range(2):
        alone = rg.predict(rg.Task([1.0, 0.3, 0.1], power[output], kept.noise[output]), learner, [2, 5])
        assert curve.test[..., output].values == pytest.approx(alone.test.values, rel=1e-13)
        assert curve.norm[..., output].values == pytest.approx(alone.norm.values, rel=1e-13)
    total = rg.predict(summed, learner, [2, 5])
    assert total.test.values == pytest.approx(curve.test.sum("output").values, rel=1e-13)
    runs = rg.simulate(kept, learner, [2, 5], trials=6)
    assert runs.test.dims == ("n", "ridge", "output")
    again = rg.simulate(summed, learner, [2, 5], trials=6)
    assert again.test.values == pytest.approx(runs.test.sum("output").values, rel=1e-12)
    best = rg.optimal_ridge(kept, learner, [2, 5])
    assert best.ridge.dims == ("n", "output")


def test_divergent_points_are_inf_and_spare_their_neighbours():
    curve = rg.predict(rg.Task.isotropic(50, noise=0.1), rg.Learner(rg.Ridge([0.0, 0.1])), [49, 50, 51])
    assert np.isinf(curve.test.values).tolist() == [[False, False], [True, False], [False, False]]
    assert curve.train.values[1, 0] == 0.0
    assert bool(curve.converged.all())


def test_beyond_the_resolved_tail_is_nan_with_a_reason():
    curve = rg.predict(rg.Task.power_law(1.5, 1.5, 0.5), rg.Learner(rg.Ridge(0.1)), [100, 1e13])
    assert np.isnan(curve.test.values).tolist() == [False, True]
    assert curve.converged.values.tolist() == [True, False]
    assert "tail" in curve.attrs["failures"]


def test_the_callers_precision_is_untouched():
    before, mine = jax.config.jax_enable_x64, jnp.ones(3) / 3
    every_verb()
    assert jax.config.jax_enable_x64 == before
    assert (jnp.ones(3) / 3).dtype == mine.dtype == jnp.float32
    assert jax.jit(lambda x: x * 2)(jnp.ones(2)).dtype == jnp.float32


def test_from_a_second_thread():
    here = every_verb()
    found, seen = [], []

    def work():
        seen.append(jnp.ones(1).dtype)
        found.append(every_verb())
        seen.append((jnp.ones(1) * 2).dtype)

    threads = [threading.Thread(target=work) for _ in range(2)]
    for thread in threads:
        thread.start()
    while any(thread.is_alive() for thread in threads):
        assert (jnp.ones(2) + 1).dtype == jnp.float32
        for thread in threads:
            thread.join(timeout=0.05)
    assert set(seen) == {jnp.dtype("float32")}
    for curve, runs, report, best in found:
        assert curve.identical(here[0]) and runs.identical(here[1])
        assert str(report) == str(here[2]) and best.identical(here[3])


def test_inside_a_64_bit_program():
    outside = rg.predict(TASK, rg.Learner(rg.Ridge(0.1)), 20)
    with jax.enable_x64(True):
        assert rg.predict(TASK, rg.Learner(rg.Ridge(0.1)), 20).identical(outside)


@pytest.mark.parametrize("verb", [rg.predict, rg.simulate, rg.check, rg.optimal_ridge])
def test_tracers_are_refused_with_the_remedy(verb):
    with pytest.raises(TypeError, match=r"rfgen\.theory, such as risk"):
        jax.jit(lambda n: verb(TASK, rg.Learner(rg.Ridge(0.1)), n).test.values)(20.0)


def test_nouns_refuse_tracers_with_the_remedy():
    for noun in (rg.Ridge, lambda r: rg.Learner(rg.Ridge(0.1), features=r), lambda r: rg.Task([1.0], [r])):
        with pytest.raises(TypeError, match=r"rfgen\.theory, such as risk"):
            jax.jit(lambda r, noun=noun: noun(r))(3.0)


def test_concrete_verbs_work_under_a_trace():
    learner = rg.Learner(rg.Ridge(0.1))
    outside = float(rg.predict(TASK, learner, 3).test)
    inside = jax.jit(lambda x: x * float(rg.predict(TASK, learner, 3).test))
    assert float(inside(2.0)) == pytest.approx(2 * outside, rel=1e-6)


def test_the_pure_layer_asks_for_double_precision():
    from rfgen.theory.ridge.risk import risk

    with pytest.raises(rg.PrecisionError, match=r"jax\.enable_x64\(True\)"):
        risk(TASK.modes, 20.0, 30.0, 0.1, 0.5)


def test_results_do_not_depend_on_order_or_grouping():
    learner = rg.Learner(rg.Ridge([0.0, 0.1]), features=[10, np.inf])
    together = rg.simulate(TASK, learner, [12, 25], trials=5, seed=3)
    apart = rg.simulate(TASK, rg.Learner(rg.Ridge([0.0, 0.1]), features=10), 25, trials=5, seed=3)
    assert together.test.sel(n=25, features=10).values == pytest.approx(apart.test.values, rel=1e-12)
    other = rg.simulate(TASK, learner, [12, 25], trials=5, seed=4)
    assert not np.allclose(other.test, together.test)
