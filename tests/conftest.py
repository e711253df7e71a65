"""Settings of every test: a fixed terminal, no settings of the person who runs them, the marker of the slow tier."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import settings

INTEGRATION = Path(__file__).parent / "integration"

# The same examples in every run of `make test`: a red test must stay red for whoever looks next. No deadline: a slow
# machine is no fault. `make prove` draws fresh and many.
settings.register_profile("test", derandomize=True, deadline=None, database=None)
settings.register_profile("prove", deadline=None, max_examples=2000)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "test"))


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if item.path.is_relative_to(INTEGRATION):
            item.add_marker(pytest.mark.integration)


@pytest.fixture(autouse=True)
def _plain_terminal(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Unit tests see the same terminal everywhere; the integration tier sets its own environment."""
    if request.node.get_closest_marker("integration") is not None:
        return
    for name in ("CLICOLOR_FORCE", "FORCE_COLOR", "LINES"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("COLUMNS", "120")
    monkeypatch.setenv("NO_COLOR", "1")
