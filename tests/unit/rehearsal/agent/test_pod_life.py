from __future__ import annotations

from typing import Any

import pytest

from rehearsal.agent import gateways, podstatus, probes, table
from rehearsal.agent.backoff import Backoff
from rehearsal.agent.kubelet import HostNumbers
from rehearsal.agent.podenv import ConfigError
from rehearsal.agent.podstatus import ContainerState

RUNNING = {"running": {"startedAt": "t"}}


def ended(code: int) -> dict[str, Any]:
    return {"terminated": {"exitCode": code}}


def state(value: dict[str, Any], **more: Any) -> ContainerState:
    return ContainerState(name="x", image="i@sha256:1", state=value, **more)


def phase(
    *values: dict[str, Any], inits: tuple[dict[str, Any], ...] = (), policy: str = "Always", end: bool = False
) -> str:
    return podstatus.phase([state(v) for v in values], [state(v, init=True) for v in inits], policy=policy, ended=end)


def test_pauses_double_from_ten_seconds_to_five_minutes() -> None:
    backoff = Backoff()
    assert [backoff.next(1.0) for _ in range(8)] == [0, 10, 20, 40, 80, 160, 300, 300]


def test_ten_good_minutes_are_forgiven() -> None:
    backoff = Backoff(failures=5)
    assert backoff.next(601.0) == 0
    assert backoff.next(1.0) == 10


def test_phases_follow_the_restart_policy() -> None:
    waiting = {"waiting": {"reason": "ContainerCreating"}}
    assert phase(waiting) == "Pending"
    assert phase(RUNNING) == "Running"
    assert phase(ended(1)) == "Running"
    assert phase(ended(1), policy="Never") == "Failed"
    assert phase(ended(0), policy="OnFailure") == "Succeeded"
    assert phase(ended(1), policy="OnFailure") == "Running"
    assert phase(ended(0), ended(1), policy="Never") == "Failed"
    assert phase(ended(143), end=True) == "Failed"
    assert phase(waiting, inits=(RUNNING,)) == "Pending"
    assert phase(waiting, inits=(ended(1),), policy="Never") == "Failed"


def conditions(pod: dict[str, Any], *states: ContainerState, phase_: str = "Running") -> dict[str, dict[str, Any]]:
    return {c["type"]: c for c in podstatus.conditions(pod, states, [], phase_=phase_, now="now")}


def test_a_condition_keeps_the_time_of_its_last_change() -> None:
    known = [{"type": "Ready", "status": "True", "lastTransitionTime": "before"}]
    pod: dict[str, Any] = {"spec": {}, "status": {"conditions": known}}
    assert conditions(pod, state(RUNNING, ready=True))["Ready"]["lastTransitionTime"] == "before"
    changed = conditions(pod, state(RUNNING))["Ready"]
    assert (changed["status"], changed["lastTransitionTime"]) == ("False", "now")
    assert "unready status: [x]" in changed["message"]


def test_a_closed_readiness_gate_keeps_a_pod_unready() -> None:
    pod: dict[str, Any] = {"spec": {"readinessGates": [{"conditionType": "g"}]}, "status": {}}
    result = conditions(pod, state(RUNNING, ready=True))
    assert (result["ContainersReady"]["status"], result["Ready"]["status"]) == ("True", "False")


def test_only_an_image_with_a_digest_has_an_image_id() -> None:
    assert state(RUNNING).status()["imageID"] == "i@sha256:1"
    assert ContainerState(name="x", image="i:v1").status()["imageID"] == ""


def test_probes_judge_after_as_many_answers_as_asked() -> None:
    probe = probes.Probe(kind="tcp", host="h", port=1, successes=2, failures=3)
    verdict = probes.Verdict(probe, value=False)
    assert [verdict.take(ok) for ok in (True, False, True, True)] == [False, False, False, True]
    assert verdict.value is True
    assert [verdict.take(False) for _ in range(4)] == [False, False, True, False]
    assert verdict.value is False


def test_probes_find_named_ports_and_refuse_what_cannot_be_played() -> None:
    container = {
        "name": "x",
        "ports": [{"name": "https", "containerPort": 8443}],
        "readinessProbe": {"httpGet": {"path": "/ok", "port": "https", "scheme": "HTTPS"}, "periodSeconds": 2},
        "livenessProbe": {"exec": {"command": ["true"]}},
        "startupProbe": {"tcpSocket": {"port": "none"}},
    }
    probe = probes.read(container, "readinessProbe", pod_ip="127.1.33.2")
    assert probe is not None
    assert (probe.host, probe.port, probe.scheme, probe.period) == ("127.1.33.2", 8443, "https", 2)
    with pytest.raises(ConfigError, match="no exec probes"):
        probes.read(container, "livenessProbe", pod_ip="")
    with pytest.raises(ConfigError, match="no port named none"):
        probes.read(container, "startupProbe", pod_ip="")


def test_an_image_is_known_by_the_last_part_of_its_repository() -> None:
    assert table.repository_name("host:5000/team/vllm-openai:v1@sha256:aa") == "vllm-openai"
    assert table.refusal({"image": "host/prometheus@sha256:aa"}) == ""
    assert "no such image: nginx" in table.refusal({"image": "nginx"})
    assert "own entry point" in table.refusal({"image": "prometheus", "command": ["/bin/sh", "-c", "x"]})
    assert table.refusal({"image": "prometheus", "command": ["/bin/prometheus"]}) == ""


def test_pod_addresses_are_given_once_and_the_longest_unused_first() -> None:
    numbers = HostNumbers()
    assert [numbers.take(), numbers.take()] == [2, 3]
    numbers.give_back(2)
    assert numbers.take() == 4
    assert numbers.take(2) == 2
    assert numbers.take(2) == 5
    for _ in range(253 - 5):
        numbers.take()
    assert [numbers.take() for _ in range(3)][-1] is None


def test_a_gateway_is_programmed_only_without_a_problem() -> None:
    gateway = {
        "metadata": {"generation": 3},
        "spec": {"listeners": [{"name": "https"}]},
        "status": {"listeners": [{"name": "https", "attachedRoutes": 2}]},
    }
    good = gateways.conditions(gateway, address="127.1.32.10", problem="", now="now")
    assert good["addresses"] == [{"type": "IPAddress", "value": "127.1.32.10"}]
    assert [(c["type"], c["status"]) for c in good["conditions"]] == [("Accepted", "True"), ("Programmed", "True")]
    assert good["listeners"][0]["attachedRoutes"] == 2
    bad = gateways.conditions(gateway, address="127.1.32.10", problem="it ended", now="now")
    assert [(c["status"], c["message"]) for c in bad["conditions"]] == [("True", "it ended"), ("False", "it ended")]
