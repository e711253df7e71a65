"""A cloud that answers for one kind of resource later than for all others changes nothing that a cell promises."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

import pytest

from stacks import program
from tests.contract.cells import CELLS, REHEARSAL
from tests.recorder import Recorder, environment, run

if TYPE_CHECKING:
    from pulumi.runtime import mocks

# Of each cloud something of which no output tells anything.
LATE = {
    "alicloud": (
        "alicloud:rds/backupPolicy:BackupPolicy",
        "alicloud:oss/bucketPublicAccessBlock:BucketPublicAccessBlock",
    ),
    "gcp": ("gcp:logging/projectBucketConfig:ProjectBucketConfig",),
    "azure": ("azure-native:dbforpostgresql:Configuration", "azure-native:storage:BlobServiceProperties"),
}


class Slow(Recorder):
    """Takes its time over one type."""

    late = ""

    def new_resource(self, args: mocks.MockResourceArgs) -> tuple[str | None, dict[Any, Any]]:
        if args.typ == self.late:
            time.sleep(0.5)
        return super().new_resource(args)


def guarantees(cloud: str, late: str = "") -> tuple[Slow, dict[str, Any]]:
    recorder = Slow()
    recorder.late = late
    world = "cn" if cloud == "alicloud" else "row"
    stack, config = f"rehearsal.{CELLS[cloud]}.infra", {"fleet": str(REHEARSAL)}
    with environment(TWAIN_REHEARSAL_HOME="/nowhere", PULUMI_BACKEND_URL=f"file:///nowhere/{world}/state"):
        _, outputs = run(program.main, stack=stack, config=config, recorder=recorder)
    return recorder, outputs["guarantees"]


@pytest.mark.parametrize(("cloud", "late"), [(cloud, kind) for cloud, kinds in LATE.items() for kind in kinds])
def test_what_a_cell_guarantees_is_told_when_all_of_it_is_there(cloud: str, late: str) -> None:
    recorder, found = guarantees(cloud, late)
    assert recorder.of(late)
    assert found == guarantees(cloud)[1]
