from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING, Any

from cli.collect import freshness
from cli.collect.cell import unknown_reason
from cli.prom.client import PrometheusClient

if TYPE_CHECKING:
    from pathlib import Path

    from cli.collect.freshness import Freshness


def probe(**answers: list[float]) -> Freshness:
    async def fetch(_path: str, params: Any) -> tuple[int, bytes]:
        values = answers["stamps" if "timestamp" in params["query"] else "up"]
        result = [{"metric": {"pod": str(place)}, "value": [100.0, str(value)]} for place, value in enumerate(values)]
        return 200, json.dumps({"status": "success", "data": {"resultType": "vector", "result": result}}).encode()

    return asyncio.run(freshness.probe(PrometheusClient(fetch, where="c"), now=100.0))


def test_targets_are_counted_and_the_newest_sample_counts() -> None:
    found = probe(up=[1, 1, 0], stamps=[97.5])
    assert (found.up, found.down, found.last_at, found.age_s(100.0)) == (2, 1, 97.5, 2.5)


def test_a_prometheus_without_targets_has_no_sample_and_no_age() -> None:
    found = probe(up=[], stamps=[])
    assert (found.up, found.down, found.last_at, found.age_s(100.0)) == (0, 0, None, None)


def test_what_was_seen_last_is_remembered_and_never_goes_back(tmp_path: Path) -> None:
    assert freshness.recall(tmp_path, "c") is None
    freshness.remember(tmp_path, "c", 50.0)
    freshness.remember(tmp_path, "c", 40.0)
    freshness.remember(tmp_path, "c", None)
    assert freshness.recall(tmp_path, "c") == 50.0
    (file,) = (tmp_path / "cache" / "samples").iterdir()
    assert file.stat().st_mode & 0o777 == 0o600
    file.write_text("{torn")
    assert freshness.recall(tmp_path, "c") is None


def test_a_reason_says_how_old_the_last_sample_is_or_that_there_was_none() -> None:
    assert unknown_reason("it is gone.", 12.4) == "it is gone; the last sample seen is 12 s old"
    assert unknown_reason("it is gone.", None) == "it is gone; no sample was ever seen from here"
