"""Contexts and gate tokens."""

from __future__ import annotations

import json
from typing import Any

import pytest


def test_contexts_are_listed_and_chosen(operator: Any) -> None:
    ran = operator.twain("context", "list")
    assert ran.out.splitlines() == ["CURRENT  NAME  WORLD  IDENTITY  GATES", "*        test  row    sre       -"]
    assert operator.twain("context", "use", "nobody").code == 2
    assert operator.twain("context", "use", "test").code == 0


def test_a_granted_token_goes_to_a_private_file_and_never_to_the_screen(row: Any) -> None:
    operator, ams, _ = row
    ran = operator.twain("context", "grant", "--to", "cn-sre", "--ttl", "1h", "-y", "-o", "json")
    assert ran.code == 0, ran.err
    (item,) = ran.json["items"]
    assert item["state"] == "granted"
    path = operator.home / "grants" / "gate-cn-sre.token"
    assert item["tokenFile"] == str(path)
    assert path.read_text() == "token-for-twain-gate\n"
    assert path.stat().st_mode & 0o777 == 0o600
    assert "token-for" not in ran.out + ran.err
    request = next(r for r in ams.requests if r.path.endswith("/token"))
    assert request.path == "/api/v1/namespaces/twain-system/serviceaccounts/gate-cn-sre/token"
    assert request.json["spec"] == {"audiences": ["twain-gate"], "expirationSeconds": 3600}
    binding = ams.objects["/apis/rbac.authorization.k8s.io/v1/clusterrolebindings/twain-gate-cn-sre"]
    assert binding["roleRef"]["name"] == "twain-gate-caller"
    audit = [json.loads(line) for line in (operator.home / "audit.jsonl").read_text().splitlines()]
    assert (audit[-1]["verb"], audit[-1]["name"], audit[-1]["identity"]) == ("context grant", "cn-sre", "sre")


@pytest.mark.parametrize(("ttl", "code"), [("9m", 2), ("599s", 2), ("10m", 0), ("soon", 2)])
def test_a_gate_token_lives_ten_minutes_at_least(row: Any, ttl: str, code: int) -> None:
    operator, ams, _ = row
    assert operator.twain("context", "grant", "--to", "x", "--ttl", ttl, "-y").code == code
    assert bool(ams.writes) is (code == 0)


def test_a_grant_needs_a_yes(row: Any) -> None:
    operator, ams, _ = row
    assert operator.twain("context", "grant", "--to", "x").code == 2
    assert ams.requests == []


def test_revoking_takes_account_and_binding_and_repeating_finds_nothing(row: Any) -> None:
    operator, ams, _ = row
    operator.twain("context", "grant", "--to", "x", "-y")
    assert operator.twain("context", "revoke", "--to", "x", "-y", "-o", "json").json["items"][0]["state"] == "revoked"
    assert ams.objects == {}
    assert operator.twain("context", "revoke", "--to", "x", "-y", "-o", "json").json["items"][0]["state"] == "absent"


@pytest.mark.parametrize("name", ["../x", "X", "a b", "-a", ""])
def test_a_grantee_has_a_plain_name(row: Any, name: str) -> None:
    operator, ams, _ = row
    assert operator.twain("context", "grant", "--to", name, "-y").code == 2
    assert ams.requests == []


def test_a_broken_contexts_file_is_a_configuration_error(operator: Any) -> None:
    (operator.home / "contexts.json").write_text("{")
    ran = operator.twain("context", "list")
    assert ran.code == 2
    assert "error CFG-CONTEXTS" in ran.err
