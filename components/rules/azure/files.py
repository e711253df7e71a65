"""Azure file shares as ARM enforces them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from components.rules.azure.arm import in_group
from components.rules.checks import (
    between,
    matches,
    one_of,
    shape,
)
from components.rules.model import Inputs, Problem

if TYPE_CHECKING:
    from collections.abc import Iterator

    from components.rules.model import TypeRules


def _squash(call: Inputs) -> Iterator[Problem]:
    if call.get("rootSquash") is not None and call.known("enabledProtocols") != "NFS":
        yield Problem("rootSquash", "is for NFS shares only")


TYPES: tuple[TypeRules, ...] = (
    in_group(
        "azure-native:storage:FileServiceProperties",
        "fileServicesName",
        inside=("accountName",),
        located=False,
        rules=(
            one_of("fileServicesName", ("default",)),
            between("shareDeleteRetentionPolicy.days", 1, 365),
        ),
    ),
    in_group(
        "azure-native:storage:FileShare",
        "shareName",
        inside=("accountName",),
        immutable=frozenset({"enabledProtocols"}),
        located=False,
        rules=(
            shape(_squash, fix="share by NFS, or leave it out"),
            one_of("enabledProtocols", ("SMB", "NFS")),
            one_of("rootSquash", ("NoRootSquash", "RootSquash", "AllSquash")),
            one_of("accessTier", ("TransactionOptimized", "Hot", "Cool", "Premium")),
            matches(
                "shareName",
                r"(?!.*--)[a-z0-9][a-z0-9-]{1,61}[a-z0-9]",
                "3 to 63 lower-case letters, digits and single -",
            ),
        ),
    ),
)
