"""Evidence: what a report says of what is known and of what is not, and that one changed byte of it is found."""

from __future__ import annotations

import json
import re
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from cli import errors
from cli.evidence import dsse, page
from cli.evidence import keys as signing
from cli.evidence import report as reporting
from cli.evidence.report import Deploy, Facts
from cli.evidence.rules import RULES, WHERE
from components.policy.catalogue import RULES as CATALOGUE

ROOT = Path(__file__).parents[3]
NOW = datetime(2026, 11, 21, 8, 0, tzinfo=UTC)
SEEN = {"rule": "RES-001", "resource": "bucket <b>weights</b>", "property": "location", "value": "us-east1"}
WAIVER: dict[str, Any] = {
    "id": "W-1",
    "capability": "gpu.class",
    "cells": ["cn-sha-1"],
    "owner": "anna",
    "reason": "local models only",
    "until": date(2026, 12, 31),
}
GOOD = Deploy(
    stack="e.eu-ams-1.infra",
    cell="eu-ams-1",
    layer="infra",
    source="state",
    plan_hash="sha256:1",
    resources=9,
    judged=7,
)


def facts(*deploys: Deploy, **more: Any) -> Facts:
    told: dict[str, Any] = {
        "world": "row",
        "context": "test",
        "identity": "sre",
        "fleet": "e",
        "fleet_hash": "sha256:0",
        "version": "0",
        "began": NOW,
        "ended": NOW,
        "deploys": deploys,
        "waivers": None,
        "audit": {"entries": 3, "head": "ab"},
        "further": {"ledger digests": None},
    }
    return Facts(**{**told, **more})


def status(document: dict[str, Any]) -> dict[tuple[str, str], str]:
    return {(test["suite"][0], test["name"]): test["status"] for test in document["results"]["tests"]}


def pem(key: Any, path: Path) -> Path:
    none = serialization.NoEncryption()
    path.write_bytes(key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, none))
    path.chmod(0o600)
    public = key.public_key().public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
    path.with_suffix(".pub").write_bytes(public)
    return path


@pytest.fixture
def bundle(tmp_path: Path) -> Path:
    """A folder with a key pair and the three files of a report."""
    key = pem(Ed25519PrivateKey.generate(), tmp_path / "key.pem")
    document = reporting.ctrf(facts(GOOD, waivers=[WAIVER]))
    told = {reporting.CTRF: dsse.canonical(document), reporting.PAGE: page.render(document)}
    signer = signing.of_file(key)
    told[reporting.ENVELOPE] = dsse.sign(reporting.statement(document, told, signer.told()), signer)
    for name, data in told.items():
        (tmp_path / name).write_bytes(data)
    return tmp_path


def test_the_rules_that_a_report_tells_of_are_those_that_a_state_can_show() -> None:
    """What needs a contract, a running gate or a person is told elsewhere, and must not pass here unseen."""
    elsewhere = {rule.id for rule in CATALOGUE.values() if not {"pack", "program"} & set(rule.sees)} - {"RES-012"}
    assert set(CATALOGUE) - set(RULES) == elsewhere
    assert {"RES-013", "RES-015", "RES-030"} <= elsewhere
    assert set(WHERE) == set(RULES)


def test_each_rule_passes_fails_or_is_skipped_and_what_is_unknown_never_passes() -> None:
    refused = Deploy(**{**GOOD.__dict__, "stack": "e.eu-par-1.infra", "violations": (SEEN,)})
    platform = Deploy(**{**GOOD.__dict__, "stack": "e.eu-ams-1.platform", "objects": GOOD.judged})
    nothing = Deploy(**{**GOOD.__dict__, "stack": "e.eu-par-1.platform", "judged": 0})
    silent = Deploy(stack="e.cn.infra", cell="cn", layer="infra", source="unknown", why="the engine gave no answer")
    document = reporting.ctrf(facts(GOOD, refused, platform, nothing, silent))
    found = status(document)
    clouds = {rule for rule in RULES if WHERE[rule] != "cluster"}
    assert {found["e.eu-ams-1.infra", rule] for rule in clouds} == {"passed"}
    assert {found["e.eu-ams-1.infra", rule] for rule in set(RULES) - clouds} == {"skipped"}
    assert found["e.eu-par-1.infra", "RES-001"] == "failed"
    assert found["e.eu-par-1.infra", "RES-002"] == "passed"
    for rule in RULES:
        assert found["e.eu-ams-1.platform", rule] == ("skipped" if WHERE[rule] == "cloud" else "passed"), rule
        assert found["e.eu-par-1.platform", rule] == ("passed" if WHERE[rule] == "state" else "skipped"), rule
    assert found["e.cn.infra", "rules"] == "other"
    assert (found["world", "waivers"], found["world", "ledger digests"]) == ("other", "other")
    told = {test["name"]: test["message"] for test in document["results"]["tests"]}
    assert told["ledger digests"] == "not collected"
    assert told["rules"] == "not collected: the engine gave no answer"
    summary = document["results"]["summary"]
    assert summary["tests"] == sum(summary[key] for key in ("passed", "failed", "pending", "skipped", "other"))
    assert document["results"]["extra"]["deploys"][-1]["planHash"] == "not collected"


def test_a_rule_that_is_not_listed_fails_and_is_not_lost() -> None:
    odd = Deploy(**{**GOOD.__dict__, "violations": ({**SEEN, "rule": "RES-999"},)})
    assert status(reporting.ctrf(facts(odd)))["e.eu-ams-1.infra", "RES-999"] == "failed"


def test_an_expired_waiver_fails_and_one_in_force_passes() -> None:
    late = {**WAIVER, "id": "W-2", "until": date(2026, 11, 20)}
    found = status(reporting.ctrf(facts(GOOD, waivers=[WAIVER, late])))
    assert (found["world", "waiver W-1"], found["world", "waiver W-2"]) == ("passed", "failed")
    last = {**WAIVER, "id": "W-3", "until": NOW.date()}
    assert status(reporting.ctrf(facts(GOOD, waivers=[last])))["world", "waiver W-3"] == "passed"


def test_a_threshold_fails_where_an_entry_has_less_than_the_sum_needs() -> None:
    entry = {"id": "E-1", "origin": "cn-personal", "to": "row", "artefacts": ["a/b"], "mechanism": "standard-contract",
             "article": None, "persons": 1_200_000, "sensitive": 0, "owner": "dpo", "reason": "r", "state": "active",
             "until": "2099-12-31"}  # fmt: skip
    line = {"id": "persons-assessment", "counts": "persons", "at": 1_000_000, "sum": 1_200_000, "reached": True,
            "needs": "security assessment", "article": "art. 7(2)", "source": "https://x"}  # fmt: skip
    enough = {**line, "id": "persons-contract", "short": []}
    found = status(reporting.ctrf(facts(GOOD, exports=([entry], [{**line, "short": ["E-1"]}, enough]))))
    assert found["world", "export E-1"] == "passed"
    assert found["world", "threshold persons-assessment"] == "failed"
    assert found["world", "threshold persons-contract"] == "passed"


def test_a_waiver_that_is_still_to_come_passes_nothing_and_its_days_can_be_signed() -> None:
    coming = {**WAIVER, "id": "W-3", "since": WAIVER["until"], "until": WAIVER["until"] + timedelta(days=9)}
    document = reporting.ctrf(facts(GOOD, waivers=[coming]))
    assert status(document)["world", "waiver W-3"] == "skipped"
    assert str(coming["since"]) in dsse.canonical(document).decode()


def test_a_plan_hash_is_of_what_is_declared_and_not_of_how_it_was_written() -> None:
    secret = {"4dabf18193072939515e22adb298388d": "1b47061264138c4ac30d75fd1eb44270", "ciphertext": "v1:a"}
    rows = [{"urn": "a", "type": "t", "inputs": {"x": 1, "s": secret}, "created": "now"}, {"urn": "b", "type": "t"}]
    again = [
        {"urn": "b", "type": "t", "inputs": {}},
        {"urn": "a", "type": "t", "inputs": {"s": {**secret, "ciphertext": "v1:b"}, "x": 1}},
    ]
    assert reporting.plan_hash(rows) == reporting.plan_hash(again)
    assert reporting.plan_hash(rows) != reporting.plan_hash([{**rows[0], "inputs": {"x": 2, "s": secret}}, rows[1]])
    assert reporting.plan_hash(rows) != reporting.plan_hash(rows[:1])


def test_the_page_runs_nothing_and_escapes_what_it_is_told() -> None:
    refused = Deploy(**{**GOOD.__dict__, "violations": ({**SEEN, "value": "<script>alert(1)</script>"},)})
    text = page.render(reporting.ctrf(facts(refused))).decode()
    assert "<script" not in text
    assert "&lt;script&gt;" in text
    assert not re.search(r"(src|href)=|https?:|url\(", text)
    assert "not collected" in text


def test_what_was_signed_verifies_and_says_who_signed(bundle: Path, operator: Any) -> None:
    ran = operator.twain(
        "evidence", "verify", str(bundle / reporting.ENVELOPE), "--key", str(bundle / "key.pub"), "-o", "json"
    )
    assert ran.code == 0, ran.err
    assert [(item["file"], item["state"]) for item in ran.json["items"]] == [
        ("residency.ctrf.json", "ok"),
        ("residency.html", "ok"),
    ]
    assert (ran.json["world"], ran.json["failed"]) == ("row", 0)
    assert ran.json["key"].startswith("sha256:")


def test_every_changed_byte_of_the_envelope_is_found(bundle: Path) -> None:
    whole = (bundle / reporting.ENVELOPE).read_bytes()
    key = dsse.read_public(bundle / "key.pub")
    statement, by = dsse.opened(whole, [key])
    assert (statement["predicateType"], dsse.key_id(by)) == (reporting.PREDICATE, dsse.key_id(key))
    for place in range(len(whole)):
        damaged = whole[:place] + bytes([whole[place] ^ (1 << place % 8)]) + whole[place + 1 :]
        with pytest.raises(dsse.BadEnvelopeError):
            dsse.opened(damaged, [key])
    for length in range(0, len(whole), 97):
        with pytest.raises(dsse.BadEnvelopeError):
            dsse.opened(whole[:length], [key])
    for second in (whole.replace(b"\n", b"\n\n", 1), whole + b"\n", json.dumps(json.loads(whole)).encode()):
        with pytest.raises(dsse.BadEnvelopeError):
            dsse.opened(second, [key])


@pytest.mark.parametrize(
    "data",
    [
        b'{"payload": "", "payloadType": "t", "signatures": [], "more": NaN}',
        b"[" * 200_000,
        b'{"payload": "", "payloadType": "t", "signatures": ["sig"]}',
        b"[]",
    ],
)
def test_what_is_no_envelope_is_refused_and_no_bug(bundle: Path, operator: Any, data: bytes) -> None:
    (bundle / reporting.ENVELOPE).write_bytes(data)
    ran = operator.twain("evidence", "verify", str(bundle / reporting.ENVELOPE), "--key", str(bundle / "key.pub"))
    assert ran.code == 5
    assert "EVD-001" in ran.err


def test_nothing_stands_in_an_envelope_that_no_signature_covers(bundle: Path) -> None:
    key, path = dsse.read_public(bundle / "key.pub"), bundle / reporting.ENVELOPE
    envelope = json.loads(path.read_bytes())
    for more in ({**envelope, "approved": "yes"}, {**envelope, "signatures": envelope["signatures"] * 2}):
        with pytest.raises(dsse.BadEnvelopeError):
            dsse.opened(dsse.canonical(more), [key])


def test_another_statement_of_the_same_key_is_no_report(bundle: Path, operator: Any) -> None:
    signer = signing.of_file(bundle / "key.pem")
    words = ("evidence", "verify", str(bundle / reporting.ENVELOPE), "--key", str(bundle / "key.pub"))
    assert operator.twain(*words).code == 0
    good = reporting.statement(reporting.ctrf(facts(GOOD)), {}, signer.told())
    for change in ({"predicateType": "https://slsa.dev/provenance/v1"}, {"_type": "other"}, {"subject": []}):
        (bundle / reporting.ENVELOPE).write_bytes(dsse.sign({**good, "subject": [{}], **change}, signer))
        ran = operator.twain(*words)
        assert ran.code == 5
        assert "another kind" in ran.err


@pytest.mark.parametrize("name", [reporting.PAGE, reporting.CTRF])
def test_one_changed_byte_of_a_file_beside_it_ends_with_5(bundle: Path, operator: Any, name: str) -> None:
    whole = (bundle / name).read_bytes()
    words = ("evidence", "verify", str(bundle / reporting.ENVELOPE), "--key", str(bundle / "key.pub"), "-o", "json")
    for place in (0, len(whole) // 2, len(whole) - 1):
        (bundle / name).write_bytes(whole[:place] + bytes([whole[place] ^ 1]) + whole[place + 1 :])
        ran = operator.twain(*words)
        assert ran.code == 5
        assert {item["file"]: item["state"] for item in ran.json["items"]}[name] == "changed"
    (bundle / name).unlink()
    assert operator.twain(*words).code == 5
    (bundle / name).write_bytes(whole)
    assert operator.twain(*words).code == 0


def test_another_key_and_a_name_that_leads_elsewhere_are_refused(bundle: Path, operator: Any, tmp_path: Path) -> None:
    other = pem(Ed25519PrivateKey.generate(), tmp_path / "other.pem")
    words = ("evidence", "verify", str(bundle / reporting.ENVELOPE), "--key")
    assert operator.twain(*words, str(other.with_suffix(".pub"))).code == 5
    outside = {"residency.html": b"x", "../key.pem": (bundle / "key.pem").read_bytes()}
    document = reporting.ctrf(facts(GOOD))
    signer = signing.of_file(bundle / "key.pem")
    (bundle / reporting.ENVELOPE).write_bytes(dsse.sign(reporting.statement(document, outside, signer.told()), signer))
    ran = operator.twain(*words, str(bundle / "key.pub"), "-o", "json")
    assert ran.code == 5
    assert {item["file"]: item["state"] for item in ran.json["items"]}["../key.pem"] == "missing"


def test_what_is_no_key_is_told_without_showing_it(tmp_path: Path, operator: Any) -> None:
    key = pem(Ed25519PrivateKey.generate(), tmp_path / "key.pem")
    key.chmod(0o644)
    with pytest.raises(errors.UsageError, match="can be read by others"):
        dsse.read_private(key)
    with pytest.raises(errors.UsageError, match="Ed25519"):
        dsse.read_private(pem(ec.generate_private_key(ec.SECP256R1()), tmp_path / "ec.pem"))
    (tmp_path / "none.pem").write_text("-----BEGIN PRIVATE KEY-----\nc2VjcmV0\n-----END PRIVATE KEY-----\n")
    for name in ("none.pem", "absent.pem"):
        ran = operator.twain("evidence", "report", "--key", str(tmp_path / name), "--out", str(tmp_path / "out"))
        assert ran.code == 2
        assert "openssl genpkey" in ran.err
        assert "c2VjcmV0" not in ran.err
    assert not (tmp_path / "out").exists()
    assert operator.twain("evidence", "verify", str(tmp_path / "absent"), "--key", str(tmp_path / "key.pub")).code == 2
