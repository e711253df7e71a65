"""How long a container that ended waits before it runs again."""

from __future__ import annotations

from dataclasses import dataclass

FIRST, LONGEST = 10.0, 300.0
# A container that ran this long is trusted again.
FORGIVEN_AFTER = 600.0


@dataclass
class Backoff:
    """Nothing the first time, then ten seconds, doubling to five minutes; forgotten after ten good minutes."""

    failures: int = 0

    def next(self, ran: float) -> float:
        """Seconds to wait after a container that ran `ran` seconds."""
        if ran >= FORGIVEN_AFTER:
            self.failures = 0
        delay = 0.0 if self.failures == 0 else min(LONGEST, FIRST * 2 ** (self.failures - 1))
        self.failures += 1
        return delay
