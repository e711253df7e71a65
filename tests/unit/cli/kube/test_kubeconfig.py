"""Credentials: only allowed plugins, a minimal environment, a budget of time, tokens kept while they are good."""

from __future__ import annotations

import asyncio
import base64
import json
import stat
import time
from typing import TYPE_CHECKING

import pytest
import yaml

from cli import errors
from cli.cells import ExecSpec
from cli.kube import kubeconfig
from cli.kube.kubeconfig import ExecToken, read_kubeconfig

if TYPE_CHECKING:
    from pathlib import Path


def plugin(tmp_path: Path, script: str, name: str = "kubelogin") -> dict[str, str]:
    folder = tmp_path / "bin"
    folder.mkdir(exist_ok=True)
    path = folder / name
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(0o755)
    return {"PATH": f"{folder}:/usr/bin:/bin"}


def credential(expires: str = "2099-01-01T00:00:00Z", token: str = "t") -> str:
    status = {"token": token, "expirationTimestamp": expires}
    return f"echo '{json.dumps({'kind': 'ExecCredential', 'status': status})}'"


def source(tmp_path: Path, env: dict[str, str], command: str = "kubelogin") -> ExecToken:
    return ExecToken(ExecSpec(command=command), "eu-par-1", "https://127.0.0.1:1", tmp_path / "tokens", env)


def get(token: ExecToken, *, fresh: bool = False) -> str:
    async def ask() -> str:
        return await token.get(fresh=fresh)

    return asyncio.run(ask())


def test_a_token_is_asked_for_once_and_kept_private(tmp_path: Path) -> None:
    env = plugin(tmp_path, f"echo run >> {tmp_path}/runs\n{credential()}")
    assert get(source(tmp_path, env)) == get(source(tmp_path, env)) == "t"
    assert (tmp_path / "runs").read_text() == "run\n"
    kept = list((tmp_path / "tokens").iterdir())
    assert len(kept) == 1
    assert stat.S_IMODE(kept[0].stat().st_mode) == 0o600


def test_a_token_that_ends_within_a_minute_is_not_kept_and_a_fresh_one_ignores_the_cache(tmp_path: Path) -> None:
    soon = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() + 30))
    env = plugin(tmp_path, f"echo run >> {tmp_path}/runs\n{credential(soon)}")
    token = source(tmp_path, env)
    assert get(token) == "t"
    assert not (tmp_path / "tokens").exists()
    long = plugin(tmp_path, f"echo run >> {tmp_path}/runs\n{credential()}")
    other = source(tmp_path, long)
    get(other)
    get(other, fresh=True)
    assert (tmp_path / "runs").read_text() == "run\n" * 3


def test_a_plugin_that_hangs_is_ended_at_its_budget(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kubeconfig, "BUDGET_S", 0.2)
    env = plugin(tmp_path, "exec sleep 60")
    started = time.monotonic()
    with pytest.raises(errors.AuthError, match="gave no answer within"):
        get(source(tmp_path, env))
    assert time.monotonic() - started < 5


def test_a_failing_plugins_own_words_are_not_repeated(tmp_path: Path) -> None:
    env = plugin(tmp_path, "echo secret-token >&2; exit 3")
    with pytest.raises(errors.AuthError, match="ended with 3") as caught:
        get(source(tmp_path, env))
    assert "secret-token" not in str(caught.value)


@pytest.mark.parametrize("script", ["echo junk", 'echo \'{"kind":"Secret"}\'', 'echo \'{"kind":"ExecCredential"}\''])
def test_anything_but_a_credential_is_refused(tmp_path: Path, script: str) -> None:
    with pytest.raises(errors.AuthError):
        get(source(tmp_path, plugin(tmp_path, script)))


@pytest.mark.parametrize("command", ["bash", "/usr/bin/kubelogin", "../kubelogin", "kubelogin;id"])
def test_only_names_of_the_allow_list_are_run(tmp_path: Path, command: str) -> None:
    with pytest.raises(errors.AuthError, match="is not one of ack-ram-tool"):
        get(source(tmp_path, plugin(tmp_path, credential()), command))


def test_a_plugin_that_is_not_installed_is_named(tmp_path: Path) -> None:
    with pytest.raises(errors.AuthError, match="kubelogin is not on the PATH"):
        get(source(tmp_path, {"PATH": str(tmp_path)}))


def test_a_plugin_gets_a_minimal_environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "leak")
    monkeypatch.setenv("AZURE_CLIENT_ID", "needed")
    env = plugin(tmp_path, f"env > {tmp_path}/env\n{credential()}")
    get(source(tmp_path, env))
    seen = dict(line.partition("=")[::2] for line in (tmp_path / "env").read_text().splitlines())
    assert "AWS_SECRET_ACCESS_KEY" not in seen
    assert seen["AZURE_CLIENT_ID"] == "needed"
    assert json.loads(seen["KUBERNETES_EXEC_INFO"])["spec"]["interactive"] is False


def config(**changes: object) -> str:
    user: dict[str, object] = {
        "exec": {"command": "kubelogin", "args": ["get-token"], "env": [{"name": "A", "value": "b"}]}
    }
    cluster: dict[str, object] = {
        "server": "https://x",
        "certificate-authority-data": base64.b64encode(b"PEM").decode(),
    }
    user.update(changes.get("user", {}))  # type: ignore[call-overload]
    cluster.update(changes.get("cluster", {}))  # type: ignore[call-overload]
    return yaml.safe_dump(
        {
            "current-context": "c",
            "contexts": [{"name": "c", "context": {"cluster": "c", "user": "c"}}],
            "clusters": [{"name": "c", "cluster": cluster}],
            "users": [{"name": "c", "user": user}],
        }
    )


def test_a_kubeconfig_with_an_allowed_plugin_is_read() -> None:
    facts = read_kubeconfig(config(), "eu-par-1")
    assert (facts.endpoint, facts.ca, facts.exec.command, facts.exec.env) == (
        "https://x",
        "PEM",
        "kubelogin",
        {"A": "b"},
    )


@pytest.mark.parametrize(
    "changes",
    [
        {"cluster": {"insecure-skip-tls-verify": True}},
        {"cluster": {"proxy-url": "http://evil"}},
        {"user": {"token": "static"}},
        {"user": {"exec": {"command": "sh", "args": ["-c", "id"]}}},
    ],
)
def test_a_kubeconfig_that_is_unsafe_is_refused(changes: dict[str, object]) -> None:
    with pytest.raises(errors.AuthError):
        read_kubeconfig(config(**changes), "eu-par-1")
