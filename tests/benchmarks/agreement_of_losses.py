"""Losses of the margin and robust losses, predicted and simulated: the table of `docs/agreement_of_losses.md`.

`python -m tests.benchmarks.agreement_of_losses [--out FILE]`.
"""

__all__ = ["main"]

import math

import numpy as np

import rfgen as rg
from tests.benchmarks.report import keep, output

DIM, N, TRIALS = 80, 120, 100
VARIANCES = np.geomspace(2.0, 0.3, DIM)
MIXTURE = rg.Mixture(np.full(DIM, 1.5 / DIM**0.5), VARIANCES, prior=0.4, flip=0.1)
TEACHER = rg.Teacher(np.cos(np.arange(DIM)), VARIANCES, link="probit", scale=0.5)
BIASED = rg.Teacher(np.ones(DIM), VARIANCES, link="logistic", scale=0.4, flip=0.05, bias=-0.5, unexplained=0.2)
TASK = rg.Task(VARIANCES, VARIANCES / VARIANCES.sum(), noise=0.2)
VIEWS = [1, 2, 4, math.inf]
CLASSES, SIGNS = ("error", "train_error", "norm"), ("error", "sign_error", "norm")
PROBABILITIES = ("calibration_error", "log_loss", "brier")
REGRESSION = ("excess", "norm")


def settings():
    """Item, task, learner, options and the variables compared; each value of an axis is a setting of its own."""
    noise, mask = rg.GaussianNoise(0.3, views=VIEWS), rg.Mask(0.7, views=[2, math.inf])
    yield "views", MIXTURE, rg.Learner(rg.Logistic(2.0, intercept=True), augmentation=noise), {}, CLASSES
    few = rg.GaussianNoise(0.3, views=[1, 2, math.inf])
    yield "views", TEACHER, rg.Learner(rg.Logistic(2.0), augmentation=few), {}, SIGNS
    yield "views", MIXTURE, rg.Learner(rg.SquaredHinge(4.0), features=100, augmentation=mask), {}, CLASSES
    yield "views", MIXTURE, rg.Learner(rg.Hinge(8.0), augmentation=rg.GaussianNoise(0.3, views=math.inf)), {}, CLASSES
    patterns = (rg.Gain([0.5, 1.5], views=2), rg.Flip(views=2), rg.LabelSmoothing(0.2))
    for one in patterns:
        yield "views", MIXTURE, rg.Learner(rg.Logistic(3.0), augmentation=one), {}, CLASSES
    yield "views", TEACHER, rg.Learner(rg.Logistic(3.0), augmentation=patterns[0]), {}, SIGNS
    yield "views", MIXTURE, rg.Learner(rg.Logistic(3.0), augmentation=rg.Mixup(1.0, views=math.inf)), {}, CLASSES
    yield "views", TEACHER, rg.Learner(rg.Averaging(), augmentation=rg.Mask(0.7, views=2)), {}, SIGNS
    for link in ("logistic", "sign"):
        yield "teachers", rg.Teacher(BIASED.direction, VARIANCES, link, 0.4, 0.05, bias=-0.5, unexplained=0.2), rg.Learner(
            rg.Logistic(2.0, intercept=True)), {}, SIGNS
    yield "teachers", BIASED, rg.Learner(rg.Hinge(4.0, intercept=True)), {}, SIGNS
    noisy = [rg.NoisyTask(TASK, law) for law in (rg.StudentNoise(3.0, 0.5), rg.LaplaceNoise(0.5))]
    yield "robust", noisy[0], rg.Learner(rg.Huber(2.0, threshold=0.5)), {}, REGRESSION
    yield "robust", noisy[0], rg.Learner(rg.Huber(2.0, threshold=0.5), features=60), {}, REGRESSION
    yield "robust", noisy[1], rg.Learner(rg.Absolute(2.0)), {}, REGRESSION
    yield "robust", noisy[1], rg.Learner(rg.Quantile(2.0, 0.7, intercept=True)), {}, REGRESSION
    yield "robust", TASK, rg.Learner(rg.AdversarialTraining(rg.Ridge(2.0), 0.2)), {}, (*REGRESSION, "robust_test")
    yield "probabilities", MIXTURE, rg.Learner(rg.Logistic([0.5, 5.0])), {}, PROBABILITIES
    yield "probabilities", TEACHER, rg.Learner(rg.Logistic(2.0)), {}, PROBABILITIES
    bagged = rg.Learner(rg.Logistic(2.0), features=100, resampling=rg.Bootstrap())
    yield "compositions", MIXTURE, bagged, {"members": [1, 4]}, ("error", "norm")
    yield "compositions", MIXTURE, rg.Learner(rg.SquaredHinge(2.0, intercept=True), resampling=rg.Subsample(0.5)), {}, (
        "error", "norm")
    attacked = rg.AdversarialTraining(rg.Logistic(2.0), 0.2)
    yield "compositions", MIXTURE, rg.Learner(attacked), {}, ("error", "robust_error", "norm")
    views, ends = rg.GaussianNoise(0.3, views=2), rg.GaussianNoise(0.3, views=[2, math.inf])
    yield "compositions", MIXTURE, rg.Learner(attacked, augmentation=views), {}, ("error", "robust_error", "norm")
    yield "compositions", TASK, rg.Learner(rg.Huber(2.0, threshold=0.5), augmentation=ends), {}, REGRESSION
    sparse = rg.SparseRegression([2.0, 1.0, 0.0], 0.5, [6, 6, DIM - 12])
    yield "compositions", sparse, rg.Learner(rg.Lasso(0.3), augmentation=rg.Mask(0.8, views=2)), {}, ("excess",)
    wide = rg.Learner(rg.Logistic(2.0), features=100, augmentation=ends)
    yield "compositions", MIXTURE, wide, {"members": 4}, ("error", "norm")
    pulled = rg.Learner(rg.SquaredHinge(4.0), resampling=rg.Bootstrap(), augmentation=rg.Gain([0.5, 1.5], views=2))
    yield "compositions", TEACHER, pulled, {"members": 4}, SIGNS
    best = float(rg.optimal_ridge(TASK, rg.Learner(rg.Ridge(), augmentation=views), n=N).ridge)
    yield "compositions", TASK, rg.Learner(rg.Ridge(best), augmentation=views), {}, ("test", "train")


def main():
    """Measure and print; `--out` keeps the numbers."""
    out = output(__doc__)
    kept, z = {}, []
    print("| of | setting | z of what is measured |")
    print("|---|---|---|")
    for item, task, learner, options, names in settings():
        curve = rg.predict(task, learner, N, **options)
        runs = rg.simulate(task, learner, N, trials=TRIALS, progress=False, **options)
        axes = [name for name in curve[names[0]].dims if name not in ("class", "group")]
        for at in np.ndindex(*(curve.sizes[name] for name in axes)):
            there = dict(zip(axes, at, strict=True))
            scores = {
                name: float((runs[name] - curve[name]).isel(there) / runs[f"{name}_se"].isel(there)) for name in names
            }
            coordinates = ", ".join(f"{name} {float(curve[name][place]):g}" for name, place in there.items())
            setting = f"{task!r}, {learner!r}" + "".join(f", {name}" for name in options)
            setting += f", at {coordinates}" if coordinates else ""
            shown = ", ".join(f"{name} {score:+.1f}" for name, score in scores.items())
            print(f"| {item} | {setting} | {shown} |", flush=True)
            kept[setting] = scores
            z += scores.values()
    size = float(np.sqrt(np.mean(np.square(z))))
    beyond = sum(abs(score) > 2.0 for score in z)
    largest = np.abs(z).max()
    print(f"{len(kept)} settings, {len(z)} numbers: root mean square {size:.2f}, {beyond} beyond 2, largest {largest:.1f}")
    keep(kept, out)


if __name__ == "__main__":
    main()
