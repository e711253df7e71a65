"""A moment that all parts of one command share."""

from __future__ import annotations

import time


class Deadline:
    """A moment on the monotonic clock that all parts of one command share."""

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds
        self._until = time.monotonic() + seconds

    @property
    def left(self) -> float:
        """Seconds left, never below zero."""
        return max(0.0, self._until - time.monotonic())

    @property
    def passed(self) -> bool:
        """Whether it has passed."""
        return self.left <= 0.0

    def slice(self, seconds: float) -> Deadline:
        """A deadline that ends with this one or after so many seconds, whichever is first."""
        return Deadline(min(self.left, seconds))
