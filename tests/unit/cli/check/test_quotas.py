"""What an account's answer about GPUs is taken for: only the quota that was asked for, of the cell's own region."""

from __future__ import annotations

from typing import Any, cast

import pytest

from cli.check.alicloud import Probe
from cli.check.probe import Want

CODE = "q_ecs_gn7e_postpay_g"
CPUS = {"AccountAttributeItems": {"AccountAttributeItem": []}}


class Said:
    """The tool, with one answer of the Quota Center."""

    def __init__(self, *rows: dict[str, Any]) -> None:
        self.rows, self.asked = rows, list[tuple[str, ...]]()

    def ask(self, *words: str) -> Any:
        self.asked.append(words)
        return CPUS if words[0] == "ecs" else {"TotalCount": len(self.rows), "Quotas": list(self.rows)}


def row(code: str = CODE, region: str = "cn-shanghai", **more: Any) -> dict[str, Any]:
    return {"QuotaActionCode": code, "Dimensions": {"regionId": region}, "TotalQuota": 8.0, "TotalUsage": 2.0, **more}


def limits(said: Said) -> tuple[float | None, float | None]:
    probe = Probe(cast("Any", said), "cn-shanghai", "")
    _cpus, gpus = probe.quotas([Want(machine="ecs.gn7e-c16g1.4xlarge", count=5, gpus=1)], {})
    assert (gpus.name, gpus.needed) == (CODE, 5)
    return gpus.limit, gpus.used


def test_the_quota_of_the_family_and_region_is_asked_for_and_taken() -> None:
    said = Said(row())
    assert limits(said) == (8, 2)
    assert said.asked[1][4:6] == ("--QuotaActionCode", CODE)
    assert said.asked[1][6:] == ("--Dimensions.1.Key", "regionId", "--Dimensions.1.Value", "cn-shanghai")


def test_a_quota_of_another_region_is_not_the_cells() -> None:
    assert limits(Said(row(region="cn-hangzhou"))) == (None, None)
    assert limits(Said(row(region="cn-hangzhou"), row(TotalQuota=4))) == (4, 2)


@pytest.mark.parametrize(
    "rows", [(), (row("q_ecs_gn7i_postpay_g"),), (row(Dimensions=None),), (row(TotalQuota=None, TotalUsage=None),)]
)
def test_an_answer_that_does_not_name_it_is_unknown(rows: tuple[dict[str, Any], ...]) -> None:
    assert limits(Said(*rows)) == (None, None)


def test_a_quota_of_nothing_is_nothing_and_not_unknown() -> None:
    assert limits(Said(row(TotalQuota=0, TotalUsage=0))) == (0, 0)
