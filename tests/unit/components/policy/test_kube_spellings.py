"""What a rule about Kubernetes is for is found in every spelling and place, and the benign twin of it passes."""

from __future__ import annotations

import json
import re
import time
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from components.policy import documents, hosts, kube, kube_objects
from components.policy.decide import decide
from tests import kube_cases, kube_text_cases, kube_told_cases
from tests.kube_cases import engine, env, plain, with_env
from tests.residency_cases import ALLOWED, POD, Case, labelled, pod, thing

if TYPE_CHECKING:
    from pathlib import Path


CASES = [*kube_cases.CASES, *kube_text_cases.CASES, *kube_told_cases.CASES]


def judged(case: Case, inputs: dict[str, Any]) -> list[Any]:
    kind = kube.token_of(inputs) if "apiVersion" in inputs else case.type
    row = {"urn": f"urn:pulumi:s::p::{kind}::thing", "type": kind, "inputs": inputs}
    return decide([row], world=case.world, allowed=ALLOWED[case.world], security=case.rule.startswith("SEC-"))


@pytest.mark.parametrize("case", CASES, ids=[f"{number}-{case.name}" for number, case in enumerate(CASES)])
def test_another_spelling_is_refused_by_its_rule_and_its_twin_is_not(case: Case) -> None:
    assert case.rule in {one.rule for one in judged(case, case.bad)}
    assert [one for one in judged(case, case.good) if one.rule.startswith(case.rule[:4])] == []


HOSTILE = [
    "a/;" * 60 + ",!",
    "localhost;" * 400 + "!",
    "10.1.;" * 600 + "!",
    "a;" * 4000 + "@!",
    "u:p;" * 2000,
    "a." * 8000 + "!",
    "a" * 16000 + "!",
    "dns:" * 3000 + "/",
    ",;" * 8000 + "!",
    "eastus." * 2000 + "!",
    "http://" * 2000,
    "x" * 10_000_000,
]


@pytest.mark.parametrize("value", HOSTILE, ids=lambda value: value[:12])
def test_no_value_keeps_a_rule_busy(value: str) -> None:
    """The processor's own time, far above what any of them needs: the worst of them had needed hours."""
    began = time.process_time()
    for body in (
        env("cn", "HTTPS_PROXY", value),
        labelled("cn", owner=value),
        pod("cn", image=value),
        engine(args=["--model", value, f"--otlp-traces-endpoint={value}"]),
    ):
        assert decide([{"urn": "u::x", "type": POD, "inputs": body}], world="cn", allowed=ALLOWED["cn"])
        if value == HOSTILE[-1]:
            break
    assert time.process_time() - began < 20


TEXTS = [
    *("{" * 50_000, "[" * 50_000, "- " * 50_000, "a.b: {" * 20_000),
    *("a." * 60_000, "x=\n" * 60_000, "proxy_pass " * 20_000, "server a.b " * 20_000, "a@" * 60_000),
    *("s3:a." * 30_000, "git@a.b.c" * 12_000, "rewrite name a " * 15_000, "://" * 60_000, "x_url=" * 20_000),
]


@pytest.mark.parametrize("text", TEXTS, ids=lambda text: text[:12])
@pytest.mark.parametrize("key", ["a.conf", "x.yaml", "Corefile", "a.ini", "run.sh", "values"])
def test_no_text_keeps_a_rule_busy_nor_ends_the_program(text: str, key: str) -> None:
    """The reader of YAML itself falls over what is nested deeper than its stack."""
    began = time.process_time()
    patch = thing("kustomize.config.k8s.io/v1beta1", "Kustomization", patches=[{"patch": text}])
    for body in (kube_text_cases.config(text, key), pod("cn", args=[text]), patch):
        decide([{"urn": "u::x", "type": kube.token_of(body), "inputs": body}], world="cn", allowed=ALLOWED["cn"])
    assert time.process_time() - began < 20


@given(st.text(alphabet="a1.,; \n@:/?#$()[]x-_", max_size=24), st.sampled_from(["svc", "a.svc", "10.0.0.1", ""]))
def test_a_list_taken_apart_has_the_verdict_of_the_whole_pattern(text: str, host: str) -> None:
    """An API server reads the pattern in one piece, Python reads one destination after the other."""
    pattern = hosts.receivers("cn", ALLOWED["cn"])
    for value in (text, f"{text}{host}", f"http://{host}{text}", f"{host},{text}"):
        assert hosts.inside(pattern, value) == (re.fullmatch(hosts.destination(pattern), value) is not None)


@pytest.mark.parametrize("value", ["jane.doe@example.com", "x" * 500 + "@example.com", "13912345678"])
def test_a_person_is_found_in_a_long_text_too(value: str) -> None:
    assert kube_objects.PERSONAL.search(value)


CANARY = [
    env("cn", "REDIS_URL", "redis://u:p1@a.example.com,redis://u2:sk-CANARY@b.example.com"),
    env("cn", "REDIS_URL", "redis-1.example.com:6380,password=sk-CANARY,ssl=True"),
    env("cn", "REDIS_URL", "redis://:sk-CANARY"),
    env("cn", "HTTPS_PROXY", "https://hooks.slack.com/services/T0/B0/sk-CANARY"),
    env("cn", "HTTPS_PROXY", "https://a.example.com#sk-CANARY"),
    env("cn", "HTTPS_PROXY", "https://a.example.com?key=sk-CANARY"),
    env("cn", "HTTPS_PROXY", "https://sk-CANARY"[:13] + "!sk-CANARY"),
    env("cn", "SENTRY_DSN", "https://sk-CANARY@o1.ingest.sentry.io/1"),
    with_env(plain("U", "sk-CANARY@x"), plain("REDIS_URL", "redis://$(U)@cache.svc")),
    pod("cn", image="user:sk-CANARY@evil.com/x"),
    pod("cn", image="evil.com/x?token=sk-CANARY"),
    engine(args=["--api-key", "sk-CANARY", "--model", "Qwen/Qwen3"]),
    engine(args=["--model", "Qwen/Qwen3", "--api-key", "sk-CANARY"]),
    engine(args=["--model", "https://u:sk-CANARY@weights.example.com/q?sig=sk-CANARY"]),
    engine(args=["Qwen/Qwen3", "--api-key", "sk-CANARY"]),
    pod("cn", args=["--otlp-traces-endpoint", "http://u:sk-CANARY@t.example.com/sk-CANARY"]),
]


@pytest.mark.parametrize("body", CANARY, ids=range(len(CANARY)))
def test_a_refusal_repeats_no_credential(body: dict[str, Any]) -> None:
    found = decide([{"urn": "u::x", "type": POD, "inputs": body}], world="cn", allowed=ALLOWED["cn"], security=False)
    assert found
    assert "canary" not in " ".join(map(str, found)).lower()


def test_a_refusal_says_which_host_is_outside_and_which_model_was_asked_for() -> None:
    def said(body: dict[str, Any]) -> list[str]:
        rows = [{"urn": "u::x", "type": POD, "inputs": body}]
        return [one.value for one in decide(rows, world="cn", allowed=ALLOWED["cn"], security=False)]

    assert said(env("cn", "REDIS_URL", "redis://a.b.svc,redis://u:p@a.example.com:1/x")) == ["redis://a.example.com"]
    assert said(engine(args=["--api-key", "k", "--model", "Qwen/Qwen3"])) == ["Qwen/Qwen3"]
    assert said(pod("cn", image="ghcr.io/a/b:1")) == ["ghcr.io/a/b:1"]


def test_a_list_in_a_list_and_an_object_with_keys_of_a_plan_are_read(tmp_path: Path) -> None:
    """Each of these was read as something else, and so as nothing that could be refused."""
    outside = {"apiVersion": "v1", "kind": "Service", "metadata": {"name": "a"}}
    outside["spec"] = {"type": "ExternalName", "externalName": "api.openai.com"}
    inner = {"apiVersion": "v1", "kind": "List", "items": [outside]}
    file = tmp_path / "f.json"
    for body in (
        {"apiVersion": "v1", "kind": "List", "items": [inner, outside]},
        {**inner, "resources": []},
        {**inner, "steps": []},
        {**inner, "deployment": {}},
        [[inner]],
    ):
        file.write_text(json.dumps(body))
        found = documents.read(file)
        assert found.form == "manifests"
        rules = [one.rule for one in decide(found.resources, world="cn", allowed=ALLOWED["cn"], security=False)]
        assert set(rules) == {"RES-028"}
        assert len(rules) == len(found.resources)
