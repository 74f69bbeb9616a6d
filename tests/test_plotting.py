"""Pictures: what is drawn, where, on which axes."""

import itertools

import matplotlib.pyplot as plt
import numpy as np
import pytest

import rfgen as rg

TASK = rg.Task.isotropic(40, noise=0.2)


@pytest.fixture(autouse=True)
def _close():
    yield
    plt.close("all")


def test_lines_and_error_bars_share_colours():
    learner = rg.Learner(rg.Ridge([0.1, 1.0]))
    curve, runs = rg.predict(TASK, learner, np.arange(5, 200, 5)), rg.simulate(TASK, learner, [10, 40, 160], trials=5)
    ax = rg.plot(curve, runs, x="n", y=("test", "train"))
    bars = ax.containers
    assert len(bars) == 4  # two ridges, two variables
    lines = [line for line in ax.lines if len(line.get_xdata()) == 39]
    assert len(lines) == 4
    for line, bar in zip(lines, bars, strict=True):
        assert np.allclose(line.get_color(), bar[0].get_color())
    assert np.allclose(lines[0].get_ydata(), curve.test.sel(ridge=0.1))
    assert np.allclose(bars[0][0].get_ydata(), runs.test.sel(ridge=0.1))
    assert ax.get_xscale() == "log" and ax.get_xlabel() == "samples n" and ax.get_ylabel() == "risk"
    labels = [text.get_text() for text in ax.get_legend().get_texts()]
    assert labels == ["ridge 0.1, test", "ridge 0.1, train", "ridge 1, test", "ridge 1, train"]


def test_axes_are_linear_for_short_ranges_and_zeros():
    curve = rg.predict(TASK, rg.Learner(rg.Ridge(0.0)), [10, 20, 30])
    ax = rg.plot(curve, y="train")  # identically zero
    assert ax.get_xscale() == ax.get_yscale() == "linear"


def test_zero_stands_a_decade_beside_a_logarithmic_grid():
    learner = rg.Learner(rg.Ridge([0.0, *np.geomspace(1e-3, 10.0, 5)]))
    curve = rg.predict(TASK, learner, [20, 60])
    ax = rg.plot(curve, x="ridge")
    places = ax.transData.transform([(one, 0.5) for one in curve.ridge.values])[:, 0]
    assert ax.get_xscale() == "symlog" and abs(np.diff(places, 2)).max() < 1e-6
    assert [text.get_text() for text in ax.get_xticklabels() if text.get_text()][:3] == ["0", "0.001", "0.01"]
    assert rg.plot(rg.predict(TASK, rg.Learner(rg.Ridge(np.linspace(0, 1, 41))), 60)).get_xscale() == "linear"
    ax = rg.plot(curve, x="ridge", y="n")
    bounds = ax.collections[0].get_coordinates()[0, :, 0]
    assert ax.get_xscale() == "symlog" and ((bounds[:-1] < curve.ridge.values) & (curve.ridge.values < bounds[1:])).all()


def test_divergent_points_leave_a_gap():
    ax = rg.plot(rg.predict(TASK, rg.Learner(rg.Ridge(0.0)), [20, 30, 40, 50, 60]))
    assert np.isnan(ax.lines[0].get_ydata()).tolist() == [False, False, True, False, False]


def test_draws_into_given_axes_and_sorts():
    _, ax = plt.subplots()
    assert rg.plot(rg.predict(TASK, rg.Learner(rg.Ridge(1.0)), [50, 10, 30]), ax=ax) is ax
    assert ax.lines[0].get_xdata().tolist() == [10, 30, 50]
    assert "ridge δ 1" in ax.get_title() or "ridge 1" in ax.get_title()


def test_simulation_alone():
    ax = rg.plot(None, rg.simulate(TASK, rg.Learner(rg.Ridge(1.0)), [10, 30], trials=4), x="n")
    assert len(ax.containers) == 1


def test_too_many_lines_are_refused():
    curve = rg.predict(TASK, rg.Learner(rg.Ridge(np.geomspace(0.1, 1, 30))), np.arange(5, 50))
    with pytest.raises(ValueError, match=r"30 lines: select fewer with curve\.sel"):
        rg.plot(curve, x="n")


def test_infinitely_many_views_are_a_level():
    learner = rg.Learner(rg.Ridge(0.1), augmentation=rg.Mask(0.5, views=[1, 4, np.inf]))
    curve = rg.predict(rg.Task.isotropic(20, noise=0.1), learner, n=30)
    ax = rg.plot(curve, x="views")
    assert any(np.allclose(line.get_ydata(), float(curve.test[-1])) for line in ax.lines[1:])


def test_a_map_over_two_dimensions_marks_its_best_point():
    curve = rg.predict(TASK, rg.Learner(rg.Ridge(0.01), features=[10, 40, 200, np.inf]), [10, 30, 100, 300])
    ax = rg.plot(curve, x="n", y="features")
    best = curve.test.sel(features=[10, 40, 200]).argmin(...)
    (star,) = ax.lines
    assert [*star.get_xdata(), *star.get_ydata()] == [curve.n[best["n"]], curve.features[best["features"]]]
    assert ax.get_xscale() == "log" and ax.get_ylabel() == "random features k"
    edges = ax.collections[0].get_coordinates()
    assert edges.shape == (4, 5, 2) and (np.diff(edges[0, :, 0]) > 0).all()
    with pytest.raises(ValueError, match="select of the others with curve"):
        rg.plot(rg.predict(TASK, rg.Learner(rg.Ridge([0.1, 1.0]), features=[10, 40]), [10, 30]), x="n", y="features")
    with pytest.raises(ValueError, match="runs must be left out where y is a dimension, 'features'"):
        rg.plot(curve, curve, x="n", y="features")


def test_parts_are_bands_under_the_test_risk():
    curve = rg.predict(TASK, rg.Learner(rg.Ridge(0.1)), np.arange(10, 100, 10))
    ax = rg.plot(curve, y=("test", "bias", "variance", "noise"))
    assert ax.get_yscale() == "linear" and len(ax.collections) == 3
    top = ax.collections[-1].get_paths()[0].vertices[:, 1].max()
    assert top == pytest.approx(float(curve.test.max()))
    grey = [band.get_facecolor()[0, 0] for band in ax.collections]
    assert len({band.get_hatch() for band in ax.collections}) == 3 and grey == sorted(grey)


def test_noise_is_said_where_there_is_any():
    for noise, label in ((0.2, "test risk, label noise included"), (0.0, "test risk")):
        assert rg.plot(rg.predict(TASK.with_noise(noise), rg.Learner(rg.Ridge(1.0)), [10, 30])).get_ylabel() == label


@pytest.mark.parametrize("width", [2.0, 3.4])
def test_ticks_stand_clear_and_no_style_or_figure_is_touched(width):
    style, other = dict(plt.rcParams), plt.figure()
    grids = [np.geomspace(*ends, 9) for ends in ((10, 250), (5, 5000), (300, 20000), (1e-6, 1e2))]
    for grid in (*grids, *(np.append(0.0, each) for each in grids)):
        fig, ax = plt.subplots(figsize=(width, 0.75 * width), layout="constrained")
        rg.plot(rg.predict(TASK.with_noise(0.0), rg.Learner(rg.Ridge(grid)), 50), ax=ax)
        fig.canvas.draw()
        for axis in (ax.xaxis, ax.yaxis):
            low, high = sorted(axis.get_view_interval())
            ticks = [one for one in (*axis.get_major_ticks(), *axis.get_minor_ticks()) if low <= one.get_loc() <= high]
            boxes = [one.label1.get_window_extent() for one in ticks if one.label1.get_text()]
            assert len(boxes) > 1 and not any(one.overlaps(two) for one, two in itertools.combinations(boxes, 2))
    assert dict(plt.rcParams) == style and plt.fignum_exists(other.number)
