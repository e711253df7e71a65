"""The guard inside a program that plain `pulumi` runs: what it stops, what it lets pass, what it says."""

from __future__ import annotations

from pathlib import Path

import pytest

from rehearsal import tools
from rehearsal.engine.pulumi import Engine
from rehearsal.providers.store import Store

STACK = "test.eu-par-1.infra"
CHECKOUT = Path(__file__).resolve().parents[2]
PROGRAM = """
import pulumi
import pulumi_azure_native as azure
import pulumi_kubernetes as k8s
from components.policy.decide import Border
from stacks.guard import Guard

case = pulumi.Config("twain").get("fleet") or ""
Guard(Border(world="row", allowed=frozenset({"francecentral"}))).register()
cloud = pulumi.ResourceOptions(provider=azure.Provider("cloud", location="francecentral"))
group = azure.resources.ResourceGroup("group", resource_group_name="first", location="francecentral", opts=cloud)
place = {
    "outside": "eastus",
    "several": "europe",
    "absent": None,
    "later": group.id.apply(lambda _: "francecentral"),
    "later-outside": group.id.apply(lambda _: "eastus"),
}.get(case, "francecentral")
azure.managedidentity.UserAssignedIdentity("who", resource_name_="second", resource_group_name=group.name,
    location=place, opts=pulumi.ResourceOptions() if case == "no-provider" else cloud)
reader = {"name": "app", "image": "europe-west4-docker.pkg.dev/p/r/app:1"}
objects = {
    "image": (k8s.core.v1.Pod, {"containers": [{**reader, "image": "a.cn-shanghai.cr.aliyuncs.com/a/b:1"}]}),
    "proxy": (k8s.core.v1.Pod, {"containers": [{**reader, "env": [{"name": "HTTPS_PROXY", "value": "http://p.cn:1"}]}]}),
    "traces": (k8s.core.v1.Pod, {"containers": [{**reader, "args": ["--otlp-traces-endpoint", "grpc://t.example.cn:1"]}]}),
    "route": (k8s.core.v1.Service, {"type": "ExternalName", "external_name": "dashscope.aliyuncs.com"}),
}
if case in objects:
    kind, spec = objects[case]
    kind("object", metadata={"name": "object"}, spec=spec)
"""


class Bench:
    """A world with an engine and the program above."""

    def __init__(self, home: Path) -> None:
        program = home / "program"
        program.mkdir(parents=True)
        (program / "__main__.py").write_text(PROGRAM)
        self.engine = Engine(
            home / "rehearsal" / "row",
            CHECKOUT,
            pulumi=tools.ensure(["pulumi"])["pulumi"].path,
            program_dir=program,
        )
        self.engine.prepare()
        self.engine.stack_init(STACK)

    def ask(self, case: str) -> None:
        """Say what the program declares from now on."""
        self.engine.config_set("twain:fleet", case, stack=STACK)

    def live(self) -> set[str]:
        return {row.name for row in Store.open(self.engine.workspace.world_dir).list_resources()}


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    return Bench(tmp_path)


def test_a_violation_stops_plain_up_before_the_resource_exists_and_a_preview_too(bench: Bench) -> None:
    cases = {
        "outside": ("RES-001", "location", "eastus"),
        "several": ("RES-002", "location", "europe"),
        "absent": ("RES-003", "location", "absent"),
        "no-provider": ("RES-003", "provider", "absent"),
    }
    for case, (rule, key, value) in cases.items():
        bench.ask(case)
        result = bench.engine.up(STACK, check=False)
        text = result.stdout + result.stderr
        assert result.returncode != 0, case
        for part in (rule, "UserAssignedIdentity 'who'", f"({key})", f"Found: {value}", "allowed: francecentral"):
            assert part in text, (case, part)
        assert "second" not in bench.live()
    preview = bench.engine.preview(STACK, check=False)
    assert preview.returncode != 0
    assert "RES-003" in preview.stdout + preview.stderr


def test_a_kubernetes_object_that_breaks_a_rule_stops_plain_up_too(bench: Bench) -> None:
    for case, rule in {"image": "RES-023", "proxy": "RES-029", "traces": "RES-017", "route": "RES-028"}.items():
        bench.ask(case)
        result = bench.engine.up(STACK, check=False)
        assert result.returncode != 0, case
        assert f"{rule} kubernetes:core/v1:" in result.stdout + result.stderr, (case, result.stdout, result.stderr)


def test_a_place_that_is_known_later_passes_when_it_comes_from_an_accepted_resource(bench: Bench) -> None:
    bench.ask("later")
    assert bench.engine.preview(STACK, check=False).returncode == 0
    bench.engine.up(STACK)
    assert bench.live() == {"first", "second"}


def test_a_place_that_turns_out_wrong_later_is_stopped_when_it_is_known(bench: Bench) -> None:
    bench.ask("later-outside")
    result = bench.engine.up(STACK, check=False)
    assert result.returncode != 0
    assert "RES-001" in result.stdout + result.stderr
    assert "second" not in bench.live()
