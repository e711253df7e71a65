"""The rules, by id. RES: where things may lie. SEC: who may reach them.

| id | says |
|---|---|
| RES-001 | a place lies in another world, or outside the world's allow-list |
| RES-002 | a place is not known to the tables, or names more than one region |
| RES-003 | a place is absent, and the cloud or the provider would choose |
| RES-004 | a place cannot be traced to anything that was judged |
| RES-005 | data would be replicated or accelerated beyond the region |
| RES-006 | a link to another network |
| RES-010 | the state backend is not the world's own (judged before the program starts) |
| SEC-001 | the Kubernetes API would be public |
| SEC-002 | a store could be made public |
| SEC-003 | the whole internet may come in |
| SEC-004 | not encrypted with the cell's own key |
| SEC-005 | a public address beside the way out |
| SEC-006 | a store that answers without TLS |
| SEC-007 | a database or cache that takes connections without TLS |
| SEC-008 | an alert that is sent to persons |
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from components.policy import access, places

if TYPE_CHECKING:
    from components.policy.model import Subject, Violation


def judge(subject: Subject) -> list[Violation]:
    """Every violation of one resource, in a fixed order. Pure and total: an unexpected shape is a violation, no
    error.
    """
    return [*places.judge(subject), *access.judge(subject)]
