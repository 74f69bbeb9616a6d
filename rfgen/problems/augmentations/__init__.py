"""The catalogue of augmentations, one family a file."""

__all__ = [
    "AbstractAugmentation", "Augmentation", "ColorJitter", "Compose", "Crop", "CutMix", "Cutout", "Dropout", "Flip", "Gain",
    "GaussianNoise", "Grayscale", "GridMask", "Jitter", "LabelSmoothing", "Mask", "Mixup", "RandomApply", "Rotate",
    "SaltAndPepper", "Shift",
]

from rfgen.problems.augmentations.base import AbstractAugmentation, Augmentation
from rfgen.problems.augmentations.colour import ColorJitter, Grayscale
from rfgen.problems.augmentations.compose import Compose, RandomApply
from rfgen.problems.augmentations.gain import Gain, Jitter
from rfgen.problems.augmentations.geometry import Crop, Flip, Rotate, Shift
from rfgen.problems.augmentations.mixing import CutMix, LabelSmoothing, Mixup
from rfgen.problems.augmentations.noise import Dropout, GaussianNoise, Mask, SaltAndPepper
from rfgen.problems.augmentations.occlusion import Cutout, GridMask
