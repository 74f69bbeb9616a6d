"""The version, kept apart so that results can be stamped with it."""

__all__ = ["__version__"]

__version__ = "0.1.0"
