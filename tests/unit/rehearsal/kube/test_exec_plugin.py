from __future__ import annotations

import sqlite3
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest

from rehearsal.kube import cellfile, exec_plugin
from rehearsal.kube.cellfile import Cell, CellError
from rehearsal.kube.exec_plugin import Request, parse

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def world(tmp_path: Path) -> Path:
    folder = tmp_path / "cn"
    facts = Cell(
        cell="cn-sha-1",
        world="cn",
        cloud="alicloud",
        region="cn-shanghai",
        index=1,
        minor="1.36",
        state="ready",
        endpoint="https://127.0.0.1:9",
    )
    cellfile.write(folder, facts)
    with sqlite3.connect(folder / "cloud.sqlite") as connection:
        connection.execute("CREATE TABLE clusters(id TEXT, cell TEXT, deleted REAL)")
        connection.execute("INSERT INTO clusters VALUES('c1', 'cn-sha-1', NULL), ('c0', 'cn-sha-1', 5.0)")
    connection.close()
    return folder


def test_each_dialect_is_read() -> None:
    ack = [
        "credential-plugin",
        "get-credential",
        "--cluster-id",
        "c1",
        "--api-version",
        "v1beta1",
        "--expiration",
        "30m",
    ]
    assert parse("ack-ram-tool", ack) == Request(
        tool="ack-ram-tool", cluster_id="c1", api_version="client.authentication.k8s.io/v1beta1", lifetime=1800
    )
    assert parse("gke-gcloud-auth-plugin", ["--use_application_default_credentials"]).cluster_id == ""
    kubelogin = ["get-token", "--login", "workloadidentity", "--server-id", "x"]
    assert parse("kubelogin", kubelogin).tool == "kubelogin"


@pytest.mark.parametrize(("text", "seconds"), [("", 900), ("1m", 600), ("9h", 3600), ("1200", 1200), ("soon", 900)])
def test_lifetimes_stay_between_ten_minutes_and_an_hour(text: str, seconds: int) -> None:
    assert parse("ack-ram-tool", ["credential-plugin", "get-credential", "--expiration", text]).lifetime == seconds


def test_another_verb_is_refused() -> None:
    with pytest.raises(CellError, match="expected `kubelogin get-token`"):
        parse("kubelogin", ["convert-kubeconfig"])
    with pytest.raises(CellError, match="plays ack-ram-tool"):
        parse("aws-iam-authenticator", [])


def test_the_cell_is_found_by_the_clusters_id_or_by_name(world: Path) -> None:
    environment = {"TWAIN_REHEARSAL_WORLD": str(world)}
    assert exec_plugin.find_cell(Request(tool="ack-ram-tool", cluster_id="c1"), environment)[1].cell == "cn-sha-1"
    named = environment | {"TWAIN_CELL": "cn-sha-1"}
    assert exec_plugin.find_cell(Request(tool="ack-ram-tool"), named)[1].cell == "cn-sha-1"


@pytest.mark.parametrize(
    ("request_", "more", "message"),
    [
        (Request(tool="ack-ram-tool", cluster_id="c0"), {}, "cluster id c0"),
        (Request(tool="ack-ram-tool"), {}, "TWAIN_CELL is not set"),
        (Request(tool="ack-ram-tool"), {"TWAIN_CELL": "eu-ams-1"}, "world cn has no cell eu-ams-1"),
        (Request(tool="ack-ram-tool"), {"TWAIN_CELL": "../row/x"}, "no cell name"),
        (Request(tool="kubelogin"), {"TWAIN_CELL": "cn-sha-1"}, "kubelogin is of azure"),
    ],
)
def test_what_is_not_a_cell_of_this_world_and_cloud_is_refused(
    world: Path, request_: Request, more: dict[str, str], message: str
) -> None:
    with pytest.raises(CellError, match=message):
        exec_plugin.find_cell(request_, {"TWAIN_REHEARSAL_WORLD": str(world)} | more)


def test_a_cell_file_carried_into_another_world_opens_nothing(world: Path) -> None:
    row = world.parent / "row"
    target = cellfile.folders(row, "cn-sha-1").facts
    target.parent.mkdir(parents=True)
    target.write_text(cellfile.folders(world, "cn-sha-1").facts.read_text())
    with pytest.raises(CellError, match="world row has no cell cn-sha-1"):
        exec_plugin.find_cell(
            Request(tool="ack-ram-tool"), {"TWAIN_REHEARSAL_WORLD": str(row), "TWAIN_CELL": "cn-sha-1"}
        )


def test_an_unknown_identity_is_refused() -> None:
    assert exec_plugin.identity({}) == "platform-engineer"
    with pytest.raises(CellError, match="'eve' is not known"):
        exec_plugin.identity({"TWAIN_IDENTITY": "eve"})


def test_a_kept_token_is_given_again_only_while_it_lives_long_enough(tmp_path: Path) -> None:
    file = tmp_path / "tokens" / "sre.json"
    now = datetime.now(UTC)
    for left, again in ((600, True), (200, False)):
        when = (now + timedelta(seconds=left)).strftime("%Y-%m-%dT%H:%M:%SZ")
        exec_plugin._keep(file, {"token": "t", "expirationTimestamp": when})
        assert (exec_plugin._cached(file, now) is not None) is again
        assert file.stat().st_mode & 0o777 == 0o600


def test_a_control_plane_that_is_away_is_said_to_be(
    world: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TWAIN_REHEARSAL_WORLD", str(world))
    monkeypatch.setenv("TWAIN_CELL", "cn-sha-1")
    monkeypatch.delenv("TWAIN_IDENTITY", raising=False)
    assert exec_plugin.main(["ack-ram-tool", "credential-plugin", "get-credential"]) == 1
    assert "credential is gone" in capsys.readouterr().err
