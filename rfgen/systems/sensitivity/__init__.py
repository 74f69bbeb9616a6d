"""The sensitivity of random-feature regression to its inputs."""

__all__: list[str] = []
