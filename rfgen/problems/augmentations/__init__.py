"""The catalogue of augmentations, one family a file."""

__all__: list[str] = []
