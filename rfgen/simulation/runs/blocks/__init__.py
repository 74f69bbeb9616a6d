"""One trial that is larger than a device: its rows in blocks, one on each device."""
