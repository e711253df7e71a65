"""A Kubernetes upgrade by one line of a fleet, of a cell that is made beside those of the shared rehearsal."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from tests.integration.fleets import Fleet

if TYPE_CHECKING:
    from pathlib import Path

    from tests.integration.conftest import Stage

NAME = "eu-ams-1"
NEW = "eu-two-1"
_MORE = f"""    - name: {NEW}
      world: row
      cloud: gcp
      region: europe-west4
      cidr: 10.200.0.0/14
      template: {{kubernetes_minor: "1.35"}}
"""


def test_one_line_of_the_fleet_takes_a_cell_to_the_next_minor_and_parity_shows_the_skew(
    stage: Stage, tmp_path: Path
) -> None:
    fleet = Fleet(stage, tmp_path, more=_MORE)

    def line(minor: str) -> None:
        text = fleet.path.read_text(encoding="utf-8")
        fleet.path.write_text(re.sub(r'(kubernetes_minor: )"1\.3\d"}', rf'\1"{minor}"}}', text), encoding="utf-8")

    def runs() -> dict[str, Any]:
        (item,) = fleet.twain("row", "cell", "get", NEW, "-o", "json").items
        return item["running"]

    scope = ("--cell", NEW, "--layer", "infra")
    try:
        up = fleet.twain("row", "stack", "up", *scope, "-y")
        assert up.code == 0, up.err[-4000:]
        assert (runs()["minor"], runs()["emulated"]) == ("1.35", True)
        parity = fleet.twain("row", "parity", "check", "--cell", NEW, "--cell", NAME, "-o", "json").json
        (minor,) = [row for row in parity["items"] if row["capability"] == "kubernetes.minor"]
        assert (minor["verdict"], {one["cell"]: one["value"] for one in minor["values"]}) == (
            "gap",
            {NAME: "1.36", NEW: "1.35"},
        )
        assert parity["emulated"] == [{"world": "row", "cell": NEW, "minor": "1.35", "program": "1.36"}]
        line("1.34")
        for verb in (("preview", "-o", "json"), ("up", "-y")):
            refused = fleet.twain("row", "stack", *verb, *scope)
            assert refused.code == 2, refused.err
            assert "no cloud takes a control plane back to 1.34" in refused.out + refused.err
        assert runs()["minor"] == "1.35"
        line("1.36")
        again = fleet.twain("row", "stack", "up", *scope, "-y")
        assert again.code == 0, again.err[-4000:]
        assert (runs()["minor"], runs()["emulated"]) == ("1.36", False)
    finally:
        gone = fleet.twain("row", "stack", "destroy", "--cell", NEW, "-y")
        stage.shell("row", "pulumi", "stack", "rm", f"rehearsal.{NEW}.infra", "--yes")
        assert gone.code == 0, gone.err[-4000:]
