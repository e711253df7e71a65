"""Why a pod is not ready, told by the object that knows."""

from __future__ import annotations

from typing import Any

import pytest

from cli.kube import decode
from cli.serve import list as listing
from cli.serve import rollout


def pod(**status: Any) -> decode.Pod:
    return decode.convert({"metadata": {"name": "p"}, "status": status}, decode.Pod)


def container(**status: Any) -> dict[str, Any]:
    return {"containerStatuses": [{"name": "vllm", "ready": False, **status}]}


CRASH = {"waiting": {"reason": "CrashLoopBackOff"}}
LAST = {"terminated": {"exitCode": 137, "reason": "OOMKilled"}}


@pytest.mark.parametrize(
    ("status", "said"),
    [
        (
            {
                "conditions": [
                    {"type": "PodScheduled", "status": "False", "reason": "Unschedulable", "message": "0/3 nodes"}
                ]
            },
            "pod p: Unschedulable: 0/3 nodes",
        ),
        (
            container(state={"waiting": {"reason": "ErrImagePull", "message": "denied"}}),
            "pod p, container vllm: ErrImagePull: denied",
        ),
        (container(state=CRASH, lastState=LAST), "pod p, container vllm: CrashLoopBackOff: exit code 137"),
        (
            container(state={"terminated": {"exitCode": 1, "reason": "Error"}}),
            "pod p, container vllm: Error: exit code 1",
        ),
        (container(state={}, lastState=LAST), "pod p, container vllm: OOMKilled: exit code 137"),
    ],
)
def test_the_cause_names_pod_container_and_reason(status: dict[str, Any], said: str) -> None:
    assert str(rollout.cause_of(pod(**status))) == said


def test_a_pod_that_is_merely_being_made_says_nothing_yet() -> None:
    assert rollout.cause_of(pod(**container(state={"waiting": {"reason": "ContainerCreating"}}))) is None


def deployment(generation: int = 2, observed: int = 2, desired: int = 2, **status: int) -> decode.Deployment:
    raw = {
        "metadata": {"name": "d", "generation": generation},
        "spec": {"replicas": desired},
        "status": {"observedGeneration": observed, **status},
    }
    return decode.convert(raw, decode.Deployment)


FULL = {"replicas": 2, "updatedReplicas": 2, "readyReplicas": 2, "availableReplicas": 2}


def test_an_unobserved_generation_is_no_progress_at_all() -> None:
    assert rollout.progress_of(deployment(generation=3, **FULL)) is None


@pytest.mark.parametrize(
    ("status", "done"),
    [
        (FULL, True),
        ({**FULL, "replicas": 3}, False),
        ({**FULL, "availableReplicas": 1}, False),
        ({**FULL, "updatedReplicas": 1}, False),
    ],
)
def test_done_means_all_new_available_and_no_old_left(status: dict[str, int], done: bool) -> None:
    progress = rollout.progress_of(deployment(**status))
    assert progress is not None
    assert progress.done is done


def test_zero_replicas_is_done_with_zero() -> None:
    progress = rollout.progress_of(deployment(desired=0))
    assert progress is not None
    assert progress.done


def test_a_list_says_progressing_while_the_generation_is_unobserved() -> None:
    assert listing.state_of(deployment(generation=3, **FULL)) == "progressing"
    assert listing.state_of(deployment(**FULL)) == "ready"
    assert listing.state_of(deployment(**{**FULL, "availableReplicas": 1})) == "degraded"
