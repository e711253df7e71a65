"""Kubeconfigs, credential plugins, and a cluster that does not answer."""

from __future__ import annotations

import base64
import datetime
import json
import socket
from typing import TYPE_CHECKING, Any

import pytest
import yaml

from rehearsal.providers.kube_api import Access, KubeApi, KubeconfigError, UnreachableError

if TYPE_CHECKING:
    from pathlib import Path


def kubeconfig(user: dict[str, Any], server: str = "https://127.0.0.1:1") -> str:
    return yaml.safe_dump(
        {
            "current-context": "cn-sha-1",
            "contexts": [{"name": "cn-sha-1", "context": {"cluster": "cn-sha-1", "user": "me"}}],
            "clusters": [{"name": "cn-sha-1", "cluster": {"server": server}}],
            "users": [{"name": "me", "user": user}],
        }
    )


def plugin(folder: Path, text: str, *, lives_s: float = 900, status: int = 0) -> tuple[dict[str, Any], Path]:
    """A credential plugin that counts its runs."""
    ends = (datetime.datetime.now(tz=datetime.UTC) + datetime.timedelta(seconds=lives_s)).isoformat()
    answer = json.dumps({"kind": "ExecCredential", "status": {"token": text, "expirationTimestamp": ends}})
    script, runs = folder / "plugin", folder / "runs"
    script.write_text(
        f"#!/bin/sh\necho \"$CELL\" >> {runs}\necho no key >&2\n[ {status} = 0 ] && echo '{answer}'\nexit {status}\n"
    )
    script.chmod(0o700)
    return {"command": str(script), "args": [], "env": [{"name": "CELL", "value": "cn-sha-1"}]}, runs


def test_the_current_context_is_read_with_its_certificates() -> None:
    data = base64.b64encode(b"PEM").decode()
    access = Access.parse(kubeconfig({"client-certificate-data": data, "client-key-data": data}))
    assert (access.name, access.server, access.cert_pem, access.key_pem) == (
        "cn-sha-1",
        "https://127.0.0.1:1",
        "PEM",
        "PEM",
    )


def test_a_path_is_read_like_its_text(tmp_path: Path) -> None:
    path = tmp_path / "config"
    path.write_text(kubeconfig({"token": "t"}))
    assert Access.parse(str(path)).bearer() == "t"


@pytest.mark.parametrize("text", ["", "{}", "not: [valid", "/no/such/file"])
def test_a_broken_kubeconfig_says_so(text: str) -> None:
    with pytest.raises(KubeconfigError, match="kubeconfig"):
        Access.parse(text)


def test_a_token_of_a_plugin_is_kept_while_it_lives(tmp_path: Path) -> None:
    spec, runs = plugin(tmp_path, "short-lived")
    access = Access.parse(kubeconfig({"exec": spec}))
    assert [access.bearer(), access.bearer()] == ["short-lived", "short-lived"]
    assert runs.read_text() == "cn-sha-1\n"


def test_a_token_that_is_about_to_end_is_fetched_again(tmp_path: Path) -> None:
    spec, runs = plugin(tmp_path, "ending", lives_s=30)
    access = Access.parse(kubeconfig({"exec": spec}))
    access.bearer()
    access.bearer()
    assert runs.read_text().count("cn-sha-1") == 2


def test_a_plugin_that_fails_is_named_with_what_it_said(tmp_path: Path) -> None:
    spec, _runs = plugin(tmp_path, "x", status=3)
    with pytest.raises(UnreachableError, match=r"cluster cn-sha-1: the credential plugin .*plugin failed: no key"):
        Access.parse(kubeconfig({"exec": spec})).bearer()


def test_a_plugin_that_is_missing_is_named() -> None:
    spec = {"command": "no-such-plugin-anywhere"}
    with pytest.raises(UnreachableError, match="no-such-plugin-anywhere cannot be run"):
        Access.parse(kubeconfig({"exec": spec})).bearer()


def test_a_cluster_that_does_not_answer_is_named_with_its_address() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        server = f"https://127.0.0.1:{taken.getsockname()[1]}"
        api = KubeApi(Access.parse(kubeconfig({"token": "t"}, server)))
        with pytest.raises(UnreachableError, match=f"cluster cn-sha-1 is unreachable at {server}"):
            api.get("/api/v1/namespaces/x")
