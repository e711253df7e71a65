"""What truly happened, from the engines' own records: the yardstick for every latency figure that the CLI prints."""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from pathlib import Path

KEYS = ("world", "cell", "maison", "workload", "model")
PERCENTILES = (50, 95, 99)
_PHASES = ("ttft", "itl", "e2e", "queue")
_SELECT = (
    "SELECT maison, workload, model, ttft, itl, e2e, queue, prompt_tokens, generation_tokens FROM requests"
    " WHERE completed >= ? AND completed < ?"
)


@dataclass
class _Group:
    requests: int = 0
    prompt: int = 0
    generation: int = 0
    values: dict[str, list[float]] = field(default_factory=lambda: {phase: [] for phase in _PHASES})


def nearest_rank(ordered: Sequence[float], percent: int) -> float | None:
    """The smallest value with at least `percent` per cent of all values at or below it; None of nothing.

    In whole numbers: 0.95 * 20 must not become 19.000000000000004 and then 20.
    """
    if not ordered:
        return None
    return ordered[-(-percent * len(ordered) // 100) - 1]


def truth(db_paths: Iterable[Path], *, from_: float, to: float, group: Sequence[str] = KEYS) -> list[dict[str, Any]]:
    """Rows in the shape of `twain rehearse truth`, one per group of requests that completed in [from_, to).

    `db_paths` are `<world>/cells/<cell>/truth.sqlite`; a missing file is a cell without answers. `from_` and
    `to` are unix seconds; `group` is a part of KEYS. Groups without a request give no row.
    """
    unknown = set(group) - set(KEYS)
    if unknown:
        message = f"cannot group by {', '.join(sorted(unknown))}; choose among {', '.join(KEYS)}"
        raise ValueError(message)
    groups: dict[tuple[str, ...], _Group] = {}
    for path in db_paths:
        cell, world = path.parent.name, path.parent.parent.parent.name
        for maison, workload, model, ttft, itl, e2e, queue, prompt, generation in _rows(path, from_=from_, to=to):
            names = {"world": world, "cell": cell, "maison": maison, "workload": workload, "model": model}
            found = groups.setdefault(tuple(names[key] for key in group), _Group())
            found.requests += 1
            found.prompt += prompt
            found.generation += generation
            found.values["itl"].extend(json.loads(itl))
            for phase, value in (("ttft", ttft), ("e2e", e2e), ("queue", queue)):
                if value is not None:
                    found.values[phase].append(value)
    window = {"from": _text(from_), "to": _text(to)}
    return [_item(dict(zip(group, key, strict=True)), groups[key], window) for key in sorted(groups)]


def _rows(path: Path, *, from_: float, to: float) -> list[tuple[Any, ...]]:
    if not path.exists():
        return []
    with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True, timeout=10)) as connection:
        return connection.execute(_SELECT, (from_, to)).fetchall()


def _item(names: dict[str, str], found: _Group, window: dict[str, str]) -> dict[str, Any]:
    item: dict[str, Any] = {
        **names,
        "window": window,
        "requests": found.requests,
        "tokens": {"prompt": found.prompt, "generation": found.generation},
    }
    for phase in _PHASES:
        ordered = sorted(found.values[phase])
        item[phase] = {f"p{percent}": {"value": nearest_rank(ordered, percent)} for percent in PERCENTILES}
    return item


def _text(moment: float) -> str:
    return datetime.fromtimestamp(moment, tz=UTC).isoformat().replace("+00:00", "Z")
