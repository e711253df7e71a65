"""A kubeconfig names a plugin and never holds a credential."""

from __future__ import annotations

import base64

import yaml

from components.cluster.kubeconfig import assemble, joined

SPEC = {"command": "ack-ram-tool", "args": ["credential-plugin", "get-credential"], "env": {"A": "b"}}


def test_the_user_of_a_kubeconfig_is_a_plugin_and_nothing_else() -> None:
    config = yaml.safe_load(assemble(cell="cn-sha-1", endpoint="https://10.0.0.1:6443", ca_pem="PEM\n", exec_spec=SPEC))
    (user,) = config["users"]
    assert set(user["user"]) == {"exec"}
    plugin = user["user"]["exec"]
    assert plugin["command"] == "ack-ram-tool"
    assert plugin["env"] == [{"name": "A", "value": "b"}, {"name": "TWAIN_CELL", "value": "cn-sha-1"}]
    assert plugin["interactiveMode"] == "Never"


def test_server_and_authority_are_those_of_the_cell() -> None:
    config = yaml.safe_load(assemble(cell="eu-ams-1", endpoint="https://10.0.0.1", ca_pem="PEM\n", exec_spec=SPEC))
    cluster = config["clusters"][0]["cluster"]
    assert cluster == {
        "server": "https://10.0.0.1",
        "certificate-authority-data": base64.b64encode(b"PEM\n").decode(),
    }
    assert config["current-context"] == "eu-ams-1"


def test_the_same_facts_give_the_same_text() -> None:
    texts = {assemble(cell="c", endpoint="https://e", ca_pem="p", exec_spec=SPEC) for _ in range(3)}
    assert len(texts) == 1


def test_several_are_one_with_a_context_each_and_the_first_is_current() -> None:
    one, two = (assemble(cell=name, endpoint=f"https://{name}", ca_pem="p", exec_spec=SPEC) for name in ("a", "b"))
    config = yaml.safe_load(joined([one, two]))
    assert [entry["name"] for entry in config["clusters"]] == ["a", "b"]
    assert [entry["context"] for entry in config["contexts"]] == [{"cluster": name, "user": name} for name in "ab"]
    assert config["current-context"] == "a"
    assert yaml.safe_load(joined([one])) == yaml.safe_load(one)
