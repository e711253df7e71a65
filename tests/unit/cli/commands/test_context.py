"""Contexts and gate tokens."""

from __future__ import annotations

import base64
import datetime
import json
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

FLEET = Path(__file__).parents[4] / "stacks" / "fleets" / "rehearsal.yaml"
SOON, LONG_AGO = 4_102_444_800, 1_600_000_000


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
    assert [path for path in ams.objects if "/configmaps/twain-audit-" not in path] == []
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


def token(ends: float) -> str:
    claims = base64.urlsafe_b64encode(json.dumps({"exp": ends}).encode()).decode().rstrip("=")
    return f"eyJhbGciOiJub25lIn0.{claims}.c2lnbmF0dXJl"


@pytest.fixture
def handed_over(tmp_path: Path) -> Path:
    """What the other world handed over: a gate token and the certificate of its gate."""
    folder = tmp_path / "from-cn"
    folder.mkdir()
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "gate")])
    now = datetime.datetime(2026, 1, 1, tzinfo=datetime.UTC)
    made = (
        x509.CertificateBuilder(name, name, key.public_key(), 1, now, now.replace(year=2036))
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    (folder / "ca.crt").write_bytes(made.public_bytes(serialization.Encoding.PEM))
    (folder / "cn.token").write_text(f"{token(SOON)}\n")
    (folder / "old.token").write_text(token(LONG_AGO))
    (folder / "not.token").write_text("hello")
    (folder / "empty.token").write_text("")
    return folder


def accept(operator: Any, folder: Path, **changed: str) -> Any:
    given = {"world": "cn", "url": "https://gate.cn.example:8443/", "ca": "ca.crt", "token": "cn.token"} | changed
    given |= {name: str(folder / given[name]) for name in ("ca", "token") if given[name] != "-"}
    return operator.twain(
        "context", "accept", *(part for name, value in given.items() for part in (f"--{name}", value))
    )


def test_a_context_is_added_used_and_forgotten(operator: Any) -> None:
    ran = operator.twain(
        "context", "add", "cn-platform", "--world", "cn", "--fleet", str(FLEET), "--identity", "li.wei"
    )
    assert ran.code == 0, ran.err
    assert "next: twain context use cn-platform" in ran.err
    items = {item["name"]: item for item in operator.twain("context", "list", "-o", "json").json["items"]}
    assert items["cn-platform"] == {
        "name": "cn-platform",
        "current": False,
        "world": "cn",
        "identity": "li.wei",
        "fleet": str(FLEET),
        "workspace": str(FLEET.parents[2]),
        "gates": [],
        "maisons": [],
    }
    assert operator.twain("context", "use", "cn-platform").code == 0
    assert operator.twain("context", "remove", "cn-platform").code == 2  # nobody is there to be asked
    assert operator.twain("context", "remove", "cn-platform", "-y").code == 0
    assert operator.twain("context", "list", "-o", "name").out == "row/test\n"
    assert operator.twain("status").code == 2


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (("test", "--world", "row", "--fleet", str(FLEET)), 2, "already"),
        (("A b", "--world", "row", "--fleet", str(FLEET)), 2, "cannot be a name"),
        (("new", "--world", "mars", "--fleet", str(FLEET)), 2, "mars"),
        (("new", "--world", "row", "--fleet", "/no/such/fleet.yaml"), 2, "/no/such/fleet.yaml"),
        (("new", "--world", "row"), 2, "--fleet"),
        (("new", "--world", "row", "--fleet", str(FLEET), "--workspace", "/usr"), 2, "no Pulumi.yaml in /usr"),
    ],
)
def test_a_context_that_cannot_work_is_not_written(
    operator: Any, arguments: tuple[str, ...], code: int, said: str
) -> None:
    before = (operator.home / "contexts.json").read_bytes()
    ran = operator.twain("context", "add", *arguments)
    assert (ran.code, said in ran.err) == (code, True), ran.err
    assert (operator.home / "contexts.json").read_bytes() == before


def test_an_accepted_token_is_kept_privately_and_goes_with_its_context(operator: Any, handed_over: Path) -> None:
    ran = accept(operator, handed_over)
    assert ran.code == 0, ran.err
    assert "https://gate.cn.example:8443, until 2100-01-01T00:00:00Z" in ran.err
    kept = operator.home / "gates" / "test-cn.token"
    assert kept.read_text() == f"{token(SOON)}\n"
    assert kept.stat().st_mode & 0o777 == 0o600
    assert token(SOON) not in ran.out + ran.err + (operator.home / "contexts.json").read_text()
    assert operator.twain("context", "get", "-o", "json").json["items"][0]["gates"] == ["cn"]
    assert accept(operator, handed_over).code == 0  # a newer token takes the place of the old one
    assert operator.twain("context", "remove", "test", "-y").code == 0
    assert list((operator.home / "gates").iterdir()) == []


@pytest.mark.parametrize(
    ("changed", "code", "said"),
    [
        ({"world": "row"}, 2, "goes direct"),
        ({"url": "http://gate.cn.example"}, 2, "no address of a gate"),
        ({"url": "https://gate.cn.example/v1/aggregates"}, 2, "no address of a gate"),
        ({"url": "https://me@gate.cn.example"}, 2, "no address of a gate"),
        ({"ca": "cn.token"}, 2, "no certificate"),
        ({"ca": "missing.crt"}, 2, "missing.crt"),
        ({"token": "not.token"}, 2, "that is no token"),
        ({"token": "empty.token"}, 2, "that is no token"),
        ({"token": "old.token"}, 3, "the token ended at 2020-09-13T12:26:40Z"),
    ],
)
def test_what_cannot_open_a_gate_is_not_taken_in(
    operator: Any, handed_over: Path, changed: dict[str, str], code: int, said: str
) -> None:
    ran = accept(operator, handed_over, **changed)
    assert (ran.code, said in ran.err) == (code, True), ran.err
    assert not (operator.home / "gates").exists()
    assert token(SOON) not in ran.err
