"""The telemetry contract: the closed list of what may leave a world, and the filter that enforces it."""
