"""Kernels and random features of inputs."""

__all__: list[str] = []
