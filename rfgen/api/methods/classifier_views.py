"""Which views of rows a classifier may be trained on, and what the theory makes of them."""

__all__ = ["SOLVERS", "is_plain", "members_axis", "refuse_unpredicted", "refuse_views", "viewed_population"]

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from rfgen.api.methods.method import public
from rfgen.problems.augmentations.base import AbstractAugmentation, Augmentation
from rfgen.problems.augmentations.mixing import Mixup
from rfgen.problems.augmentations.mode_law import ModeLaw
from rfgen.problems.classes.class_groups import ClassGroups
from rfgen.problems.classes.teacher import Teacher
from rfgen.problems.learner import Learner, checked_members
from rfgen.problems.trainings.classifier import LDA, Averaging, MaxMargin, rule_of
from rfgen.theory.classification.views.mixed import (
    MixedMoments,
    MixedTeacherMoments,
    mixed_classifier,
    mixed_moments,
    mixed_teacher,
)
from rfgen.theory.classification.views.patterned import (
    PatternedMoments,
    patterned_classifier,
    patterned_moments,
    seen_blocks,
)
from rfgen.theory.classification.views.patterned_teacher import (
    PatternedTeacherMoments,
    patterned_teacher,
    patterned_teacher_moments,
)
from rfgen.theory.classification.views.viewed import ViewedMoments, viewed_classifier, viewed_moments
from rfgen.theory.classification.views.viewed_teacher import ViewedTeacherMoments, viewed_teacher, viewed_teacher_moments

# What solves a population of rows in views: independent changes of coordinates, or views moved as a whole.
SOLVERS: dict[type, Callable[..., Any]] = {
    ViewedMoments: viewed_classifier, ViewedTeacherMoments: viewed_teacher, PatternedMoments: patterned_classifier,
    PatternedTeacherMoments: patterned_teacher, MixedMoments: mixed_classifier, MixedTeacherMoments: mixed_teacher,
}


def is_plain(law: ModeLaw) -> bool:
    """Whether coordinates change independently and alike, and labels are kept."""
    alone = law.classes == 1 and law.probability.size == 1
    return alone and law.label[0] == 1.0 and law.gain[0, 0] != 0.0


def members_axis(learner: Learner, members: Any) -> dict[str, np.ndarray]:
    """The dimension of `members`, none where they are None; refuses those that cannot differ."""
    return {} if members is None else {"members": checked_members(learner, members)}


def refuse_views(dim: int, learner: Learner, members: Any = None) -> None:
    """Refuse views that the training cannot be given, and those that cannot be drawn."""
    augmentation, training = learner.augmentation, learner.training
    if augmentation is None:
        return
    if type(training) is Averaging and training.intercept:
        raise ValueError(
            f"intercept must be False for rg.Averaging of views, got {training!r}: its threshold, midway between means of "
            "views, is not derived; leave it out, or take a loss"
        )
    for one in augmentation.settings:
        if isinstance(one, Augmentation):
            if math.isinf(one.views):
                raise ValueError(f"views must be finite for a function of your own, got {one!r}: its law is not known")
            continue
        _refuse_untaught(dim, one, training)
        if one.mixes:
            if math.isinf(one.views):
                _refuse_pairs(one, learner, members)
            continue
        law = one.mode_law(dim)
        noisy = bool(law.slope.any() or law.level.any())
        if noisy and not is_plain(law) and math.isinf(one.views):
            raise ValueError(
                f"augmentation must not both move views as a whole and change coordinates independently at views=inf, got "
                f"{one!r}: take one of its parts, or give finite views to rg.simulate"
            )
        if law.shape is not None and law.shape.size != dim:
            raise ValueError(f"covariance of {one!r} must have one entry per coordinate ({dim}), got {law.shape.size}")


def _refuse_untaught(dim: int, one: AbstractAugmentation, training: Any) -> None:
    """Refuse labels of two classes at once for trainings without a loss to average, and under attack; and for the former
    more views than can be counted.
    """
    if type(training) not in (MaxMargin, LDA) and not training.attack:
        return
    soft = one.mixes or bool((one.mode_law(dim).label != 1.0).any())
    if training.attack:
        if soft:
            raise ValueError(
                f"augmentation must give views labels of one class under attack, got {one!r}: what is worst against two at "
                "once goes against one or the other, row by row, and lowers no margin by a number; train without attack, "
                "or on views that keep their labels"
            )
        return
    if soft or math.isinf(one.views):
        what = "give views labels of one class" if soft else "be of finitely many views"
        raise ValueError(
            f"augmentation must {what} for {public(type(training))}, which has no loss to average over them, got {one!r}: "
            "use rg.SquaredHinge with a small ridge, or another loss"
        )


def _refuse_pairs(one: AbstractAugmentation, learner: Learner, members: Any) -> None:
    """Refuse what is not there of mixtures of all pairs of rows."""
    if not isinstance(one, Mixup):
        raise ValueError(f"views must be finite where images are mixed, got {one!r}: take rg.Mixup, or give views=16")
    if rule_of(learner.training)[0] in ("hinge", "averaging"):
        raise ValueError(
            f"training must be by a loss whose force has no jumps on all pairs of rows, got {learner.training!r}: "
            "rg.SmoothedHinge has one; or give views=16 to rg.simulate"
        )
    if learner.resampling is not None or members is not None:
        raise ValueError(
            f"resampling and members are not covered on mixtures of all pairs of rows, got {one!r}: forces of a row depend "
            "on the scores of all that the model has drawn; leave them out, or give finite views to rg.simulate"
        )


def refuse_unpredicted(dim: int, learner: Learner, members: Any = None) -> None:
    """Refuse views that are measured alone."""
    training, drawn = learner.training, learner.resampling is not None or members is not None
    if drawn and (type(training) is LDA or (type(training) is Averaging and training.intercept)):
        raise ValueError(
            f"resampling and members are predicted for trainings by a loss and for rg.Averaging without intercept, got "
            f"{training!r}, whose threshold lies between means of classes: rg.simulate measures them"
        )
    if type(training) is LDA and learner.augmentation is not None:
        raise ValueError(
            f"training must be by a loss, averaging or rg.MaxMargin to be predicted on views, got {training!r}, whose "
            "pooled covariance is of correlated rows: rg.simulate measures it; or take rg.Ridge"
        )
    for one in [] if learner.augmentation is None else learner.augmentation.settings:
        if isinstance(one, Augmentation):
            raise ValueError(
                f"augmentation must have a law on coordinates to be predicted, got {one!r}, a function of your own: "
                "rg.simulate measures it; or take rg.GaussianNoise, Mask, Gain or Flip"
            )
        if one.mixes:
            if math.isinf(one.views):
                continue
            raise ValueError(
                f"views must be inf where rows are mixed, all pairs, in the theory of classifiers, got {one!r}: with a "
                "random partner each, rows are no longer independent given the weights; rg.simulate measures it"
            )
        law = one.mode_law(dim)
        if not is_plain(law) and type(training) is MaxMargin:
            raise ValueError(
                f"views must change coordinates independently for the theory of rg.MaxMargin, got {one!r}: towards ridge 0 "
                "the equations of views moved as a whole lose their path; rg.simulate measures it, or take rg.SquaredHinge"
            )
        if not is_plain(law) and (law.slope.any() or law.level.any()):
            raise ValueError(
                "augmentation must either change coordinates independently (rg.GaussianNoise, Mask, Dropout, SaltAndPepper)"
                f" or move views as a whole (rg.Gain, Flip, Cutout, Jitter, LabelSmoothing), got both: {one!r}; "
                "rg.simulate measures it"
            )
        if members is not None and not is_plain(law):
            patterns, _ = seen_blocks(law, dim, float(one.views), bool(np.isinf(learner.features).all()))
            if max(rows.gains.shape[2] for rows in patterns) > 1:
                raise ValueError(
                    "views of a row must be moved along one dimension where members are predicted, got "
                    f"{one!r}: forces on several blocks of coordinates change with the correlation of two members in each; "
                    "take one view, rg.Gain, rg.LabelSmoothing or independent changes; rg.simulate measures it"
                )


def viewed_population(
    task: Teacher | ClassGroups, augmentation: AbstractAugmentation, intercept: bool, features: np.ndarray,
    attack: str | None = None,
) -> Any:
    """What the theory takes of rows in the views of `augmentation`, for classifiers of `features`, under `attack`."""
    dim, views = task.dim, float(augmentation.views)
    if isinstance(augmentation, Mixup):
        return mixed_moments(task, augmentation.concentration)
    law = augmentation.mode_law(dim)
    if is_plain(law):
        if isinstance(task, Teacher):
            return viewed_teacher_moments(task, law, views, attack)
        return viewed_moments(task, law, views, intercept, attack)
    free = bool(np.isinf(features).all())
    if not free and np.isinf(features).any() and len(seen_blocks(law, dim, views, True)[1]) < law.classes:
        raise ValueError(
            f"features must be all finite or all None with {augmentation!r}, which leaves weights of inputs at 0, got "
            f"{features.tolist()}"
        )
    if isinstance(task, Teacher):
        return patterned_teacher_moments(task, law, views, free, attack)
    return patterned_moments(task, law, views, intercept, free, attack)
