"""What a killed engine had begun: settled only when the state accounts for it."""

from __future__ import annotations

from typing import Any

import pytest

from cli import stack_pending

URN = "urn:pulumi:f.c.infra::twain::x:y/z:Bucket::c-weights"


class Engine:
    def __init__(self, *operations: tuple[str, str], resources: dict[str, str | None]) -> None:
        rows = [{"urn": f"{URN}-{name}", "id": id_} for name, id_ in resources.items()]
        pending = [
            {"type": kind, "resource": {"urn": f"{URN}-{name}", "type": "x:y/z:Bucket"}} for kind, name in operations
        ]
        self.document = {"version": 3, "deployment": {"resources": rows, "pending_operations": pending}}
        self.imported: list[dict[str, Any]] = []

    def exported(self, _stack: str, *, keep: bool) -> dict[str, Any]:
        assert keep
        return self.document

    def import_state(self, _stack: str, document: dict[str, Any]) -> None:
        self.imported.append(document)


def settle(engine: Any) -> list[str]:
    return stack_pending.settle(engine, "f.c.infra")


def test_a_create_that_is_in_the_state_now_is_settled() -> None:
    engine = Engine(("creating", "a"), ("updating", "b"), ("deleting", "c"), resources={"a": "id-a", "b": "id-b"})
    assert settle(engine) == []
    (document,) = engine.imported
    assert document == {"version": 3, "deployment": {"resources": engine.document["deployment"]["resources"]}}


@pytest.mark.parametrize("resources", [{}, {"a": None}, {"b": "id-b"}])
def test_a_create_that_nobody_can_account_for_stays_and_is_named(resources: dict[str, str | None]) -> None:
    engine = Engine(("creating", "a"), ("updating", "b"), resources=resources)
    (line,) = settle(engine)
    assert "begun and never answered: x:y/z:Bucket c-weights-a" in line
    assert engine.imported == []


def test_nothing_pending_is_not_touched() -> None:
    engine = Engine(resources={"a": "id-a"})
    assert settle(engine) == []
    assert engine.imported == []
