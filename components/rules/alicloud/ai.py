"""Alibaba Cloud's Platform for AI as its API enforces it: workspaces, and services of EAS."""

from __future__ import annotations

from typing import TYPE_CHECKING

from components.rules.alicloud.net import TAGS
from components.rules.checks import (
    matches,
    needs,
    shape,
    strings,
)
from components.rules.model import Inputs, Problem, TypeRules

if TYPE_CHECKING:
    from collections.abc import Iterator


def _environments(call: Inputs) -> Iterator[Problem]:
    found = call.known("envTypes")
    if isinstance(found, list) and set(strings(found)) not in ({"prod"}, {"dev", "prod"}):
        yield Problem("envTypes", f"{found} is neither the simple mode (prod) nor the standard one (dev, prod)")


def _described(call: Inputs) -> Iterator[Problem]:
    if len(call.text("description")) > 80:
        yield Problem("description", f"{len(call.text('description'))} characters; a description takes 80")


TYPES: tuple[TypeRules, ...] = (
    TypeRules(
        type_name="alicloud:pai/workspaceWorkspace:WorkspaceWorkspace",
        name="workspaceName",
        immutable=frozenset({"envTypes"}),
        rules=(
            shape(_environments, fix="take prod, or dev and prod"),
            shape(_described, fix="shorten it to 80 characters"),
            needs("description", "envTypes"),
            matches("workspaceName", r"[a-zA-Z]\w{2,22}", "3 to 23 letters, digits and _, beginning with a letter"),
        ),
    ),
    TypeRules(type_name="alicloud:pai/service:Service", rules=(TAGS,)),
)
