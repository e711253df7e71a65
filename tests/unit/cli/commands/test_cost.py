"""`twain cost`: own bills, the other world through its gate, and gaps that are said with the right exit code."""

from __future__ import annotations

import csv
import io
import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from cli import costs, errors
from cli.app import App, Clock, Exit
from cli.commands.cost import cost
from cli.console import Console
from cli.gate import client
from components.money.focus import columns_of

FLEET = Path(__file__).parents[4] / "stacks" / "fleets" / "rehearsal.yaml"
GATE = {"cn": {"url": "https://127.0.0.1:1", "token_file": "token"}}
CN_ROW = {
    "kind": "cost", "world": "cn", "provider": "alicloud", "region": "cn-shanghai", "cell": "cn-sha-1",
    "maison": "shared", "currency": "CNY", "month": "2026-11", "billed": "829.00", "effective": "829.00",
    "status": "provisional", "unpriced": 1,
}  # fmt: skip


class Noon(Clock):
    def now(self) -> datetime:
        return datetime(2026, 11, 20, 12, 0, tzinfo=UTC)


def bill(folder: Path, name: str = "gcp.csv", **changes: str) -> Path:
    """A bill of one row."""
    row = dict.fromkeys((column.name for column in columns_of("1.0")), "")
    row |= {
        "BilledCost": "11.65", "EffectiveCost": "11.65", "BillingAccountId": "a", "BillingCurrency": "USD",
        "BillingPeriodStart": "2026-11-01T00:00:00Z", "BillingPeriodEnd": "2026-12-01T00:00:00Z",
        "ChargePeriodStart": "2026-11-20T06:00:00Z", "ChargePeriodEnd": "2026-11-20T07:00:00Z",
        "ChargeCategory": "Usage", "ProviderName": "Google Cloud", "RegionId": "europe-west4", "ResourceId": "i",
        "Tags": '{"twain-cell":"eu-ams-1"}',
    } | changes  # fmt: skip
    folder.mkdir(exist_ok=True)
    with (folder / name).open("w", newline="") as handle:
        writer = csv.DictWriter(handle, list(row), lineterminator="\n")
        writer.writeheader()
        writer.writerow(row)
    return folder / name


@pytest.fixture
def app(tmp_path: Path) -> App:
    context = {"world": "row", "fleet": str(FLEET), "bills": [str(tmp_path / "bills")], "gates": GATE}
    (tmp_path / "contexts.json").write_text(json.dumps({"current": "r", "contexts": {"r": context}}))
    (tmp_path / "token").write_text("t")
    bill(tmp_path / "bills")
    return App(home=tmp_path, clock=Noon())


def answers(monkeypatch: pytest.MonkeyPatch, rows: list[dict[str, Any]] | errors.TwainError) -> list[dict[str, Any]]:
    """Puts an answer where the gate would be; returns the calls that were made."""
    calls: list[dict[str, Any]] = []

    async def fake(gate: Any, section: str, params: Any = None, *, deadline_s: float) -> client.Aggregates:
        calls.append({"world": gate.world, "section": section, "deadline_s": deadline_s})
        if isinstance(rows, errors.TwainError):
            raise rows
        return client.Aggregates(section=section, contract="v1", items=rows)

    monkeypatch.setattr(client, "get_aggregates", fake)
    return calls


def run(app: App, *args: str) -> tuple[dict[str, Any], int]:
    """The JSON on stdout and the exit code."""
    out = io.StringIO()
    app.console = Console(out=out, err=io.StringIO(), env={})
    result = CliRunner().invoke(cost, [*args, "-o", "json"], obj=app, standalone_mode=False)
    code = result.exception.code if isinstance(result.exception, Exit) else 0
    if isinstance(result.exception, errors.TwainError):
        raise result.exception
    assert result.exception is None or isinstance(result.exception, Exit), result.exception
    return json.loads(out.getvalue()), code


def test_own_bills_and_the_other_world_s_sums_stand_in_one_report(app: App, monkeypatch: pytest.MonkeyPatch) -> None:
    calls = answers(monkeypatch, [CN_ROW])
    found, code = run(app, "report")
    assert code == 0
    assert calls == [{"world": "cn", "section": "cost", "deadline_s": 3.0}]
    assert [(i["world"], i["source"], i["currency"], i["billed"]) for i in found["items"]] == [
        ("cn", "gate", "CNY", "829.00"),
        ("row", "bills", "USD", "11.65"),
    ]
    assert found["reporting"] == {
        "currency": "EUR", "billed": "110.00", "complete": False, "unconverted": [], "unpriced": 1, "absentWorlds": [],
    }  # fmt: skip
    assert found["totals"] == [
        {"currency": "CNY", "billed": "829.00", "files": None},
        {"currency": "USD", "billed": "11.65", "files": 1},
    ]


def table(app: App, *args: str) -> list[str]:
    """The lines that a person sees."""
    out = io.StringIO()
    app.console = Console(out=out, err=io.StringIO(), env={})
    CliRunner().invoke(cost, [*args], obj=app, standalone_mode=False)
    return out.getvalue().splitlines()


def test_under_the_table_stand_status_exact_sums_gaps_and_rates(app: App, monkeypatch: pytest.MonkeyPatch) -> None:
    answers(monkeypatch, [CN_ROW])
    lines = table(app, "report")
    said = lines[lines.index("") + 1 :]
    source = "illustrative; source: twain rehearsal: illustrative figure; not a market quotation"
    assert said == [
        "month     2026-11: provisional, the provider may still change it",
        "total     829.00 CNY (through a gate)",
        "total     11.65 USD (1 bill file)",
        "together  110.00 EUR, INCOMPLETE: without what is named below",
        "unpriced  1 resource without a known price, which is not free:",
        "            cn/cn-sha-1: 1 of kinds that the gate does not tell",
        f"rate      1 EUR = 8.29 CNY of 2026-10-30, {source}",
        f"rate      1 EUR = 1.165 USD of 2026-10-30, {source}",
        "invoice   gcp: no invoice yet",
    ]


def test_a_currency_without_a_rate_and_a_silent_world_are_said_to_be_in_no_sum(
    app: App, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    answers(monkeypatch, errors.PartialError("the gate does not answer.", id="GATE-UNREACHABLE"))
    rates = tmp_path / "rates.csv"
    rates.write_text("date,base,quote,rate,kind,source,note\n")
    said = table(app, "report", "--rates", str(rates))
    assert "together  unknown in EUR: no rate" in said
    assert "no rate   11.65 USD is in no sum" in said
    assert "unknown   world cn could not be asked: its cost is in no sum" in said
    assert not any(line.startswith("rate ") for line in said)


def test_a_world_that_cannot_be_asked_is_unknown_and_the_code_is_13(app: App, monkeypatch: pytest.MonkeyPatch) -> None:
    answers(monkeypatch, errors.PartialError("the gate does not answer.", id="GATE-UNREACHABLE"))
    found, code = run(app, "report")
    assert code == errors.PARTIAL
    assert found["partial"] is True
    assert [i["world"] for i in found["items"]] == ["row"]
    assert found["reporting"]["absentWorlds"] == ["cn"]
    assert found["reporting"]["complete"] is False
    assert [(e["id"], e["world"]) for e in found["errors"]] == [("GATE-UNREACHABLE", "cn")]


def test_the_own_world_alone_asks_no_gate(app: App, monkeypatch: pytest.MonkeyPatch) -> None:
    calls = answers(monkeypatch, [CN_ROW])
    found, code = run(app, "report", "--world", "row")
    assert (code, calls, len(found["items"])) == (0, [], 1)


def test_a_gate_speaks_for_its_own_world_only(app: App, monkeypatch: pytest.MonkeyPatch) -> None:
    answers(monkeypatch, [CN_ROW, CN_ROW | {"world": "row", "billed": "999999.00"}])
    found, _ = run(app, "report")
    assert "999999.00" not in {i["billed"] for i in found["items"]}


def test_the_scope_narrows_items_and_totals(app: App, monkeypatch: pytest.MonkeyPatch) -> None:
    answers(monkeypatch, [CN_ROW])
    found, _ = run(app, "report", "--cell", "eu-ams-1")
    assert [t["currency"] for t in found["totals"]] == ["USD"]
    none, _ = run(app, "report", "--maison", "calisto")
    assert none["items"] == []


def test_a_broken_bill_is_a_usage_error_that_names_file_and_row(app: App, tmp_path: Path) -> None:
    path = bill(tmp_path / "bills", BilledCost="x")
    with pytest.raises(errors.UsageError) as caught:
        run(app, "report", "--world", "row")
    assert (caught.value.id, caught.value.where) == ("MON-BILL", str(path))
    assert "row 1" in caught.value.message


@pytest.mark.parametrize("args", [("--month", "2026-13"), ("--currency", "euro"), ("--rates", "/nonexistent.csv")])
def test_a_wrong_option_is_a_usage_error(app: App, args: tuple[str, ...]) -> None:
    with pytest.raises(errors.UsageError):
        run(app, "report", *args)


def test_another_file_of_rates_replaces_the_shipped_ones(app: App, tmp_path: Path) -> None:
    rates = tmp_path / "rates.csv"
    rates.write_text("date,base,quote,rate,kind,source,note\n2026-11-19,EUR,USD,2,daily,treasury,\n")
    found, _ = run(app, "report", "--world", "row", "--rates", str(rates))
    assert found["reporting"]["billed"] == "5.825"
    assert [(r["date"], r["source"], r["kind"]) for r in found["rates"]] == [("2026-11-19", "treasury", "daily")]


def test_the_page_is_written_beside_the_answer(app: App, tmp_path: Path) -> None:
    found, _ = run(app, "report", "--world", "row", "--html", str(tmp_path / "cost.html"))
    assert found["items"][0]["reporting"]["billed"] in (tmp_path / "cost.html").read_text()


def test_ingest_names_what_became_of_each_file(app: App, tmp_path: Path) -> None:
    first, _ = run(app, "ingest")
    second, _ = run(app, "ingest", str(tmp_path / "bills" / "gcp.csv"))
    assert [i["action"] for i in (*first["items"], *second["items"])] == ["added", "unchanged"]


def test_what_is_published_is_the_contract_s_rows(app: App) -> None:
    rows, _ = run(app, "publish", "--dry-run")
    assert [(r["cell"], r["billed"], r["month"]) for r in rows["items"]] == [("eu-ams-1", "11.65", "2026-11")]
    body = costs.manifest(rows["items"])
    assert json.loads(body["data"][costs.PUBLISHED_KEY]) == {"items": rows["items"]}


def test_a_maison_that_the_fleet_does_not_name_is_published_as_nobodys_and_told_by_number(app: App) -> None:
    bill(app.home / "bills", "more.csv", Tags='{"twain-cell":"eu-ams-1","twain-maison":"wang-xiaoming"}',
         BilledCost="1.00", EffectiveCost="1.00", ResourceId="j")  # fmt: skip
    bill(app.home / "bills", "aurelia.csv", Tags='{"twain-cell":"gone-1","twain-maison":"aurelia"}',
         BilledCost="2.00", EffectiveCost="2.00", ResourceId="k")  # fmt: skip
    rows, code = run(app, "publish", "--dry-run")
    assert code == 0
    told = {(row["cell"], row["maison"]): row["billed"] for row in rows["items"]}
    assert told == {("eu-ams-1", "shared"): "12.65", (None, "aurelia"): "2.00"}
    said = app.console.err.getvalue()  # pyright: ignore[reportAttributeAccessIssue]
    assert "rows with a maison that is not declared: 1, sent as shared" in said
    assert "rows with a cell that is not declared: 1, sent without one" in said
    assert "wang" not in said + json.dumps(rows)
    # At home the report shows the tag as it is.
    own, _ = run(app, "report", "--world", "row")
    assert "wang-xiaoming" in {row["maison"] for row in own["items"]}
