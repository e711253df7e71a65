"""What the clouds' own services run and whom they call: images and variables of containers without a cluster, hooks
of alerts, events and schedules.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final

from components.policy import hosts, kube, kube_pods, kube_told, told
from components.policy.model import ACCEPTED, UNKNOWN, Check, Subject, at, violation
from components.policy.places import leaves, walk

if TYPE_CHECKING:
    from collections.abc import Iterator

    from components.policy.model import Violation

# Services that run a container that somebody names.
_RUNNING: Final = (
    *("alicloud:eci/", "alicloud:ess/eciScalingConfiguration:", "alicloud:fc/", "alicloud:sae/"),
    *("azure-native:app:", "azure-native:containerinstance:", "azure-native:web:WebApp"),
    *("gcp:batch/", "gcp:cloudfunctionsv2/", "gcp:cloudrun/", "gcp:cloudrunv2/"),
)
_IMAGES: Final = frozenset({"image", "imageUri", "imageUrl"})
_LINUX: Final = re.compile(r"(?i)^(?:docker|sitecontainers)\|")
_VARIABLES: Final = frozenset({"env", "envs", "environmentVariables", "environmentVars", "appSettings"})
# Variables of an app that are a resource of their own.
_SETTINGS: Final = ("azure-native:web:WebAppApplicationSettings", "azure-native:web:WebAppConnectionStrings")
# Services that call an address, and the rule of what they tell it.
_CALLING: Final = {
    "RES-014": (
        *("alicloud:arms/alert", "alicloud:cms/alarm", "alicloud:cms/alert", "alicloud:cms/contact"),
        *("alicloud:cms/groupMetricRule", "alicloud:cms/metricRule", "alicloud:cms/notify", "alicloud:cms/webhook"),
        *("alicloud:log/alert:", "alicloud:sls/alert:", "azure-native:alertsmanagement:"),
        *("azure-native:monitor:ActionGroup", "azure-native:monitor:TenantActionGroup"),
        "gcp:monitoring/notificationChannel:",
    ),
    "RES-017": (
        *("alicloud:eventbridge/", "alicloud:message/", "alicloud:mns/", "alicloud:oos/"),
        *("azure-native:eventgrid:", "azure-native:logic:"),
        *("gcp:cloudscheduler/job:", "gcp:cloudtasks/queue:", "gcp:eventarc/", "gcp:pubsub/"),
    ),
}
_NAMED_CALLS: Final = re.compile(r"(?i)(?:web_?hook|service_?uri|callback|endpoint|robot|(?:^|[a-z])ur[il]$|^ur[il]$)")
_HOOKS: Final = ("serviceUri", "webhook", "webhookUrl")
# Both of these are judged with more than their addresses.
CALLERS: Final = (*(prefix for prefixes in _CALLING.values() for prefix in prefixes), *_RUNNING)
# Types of channels that are a service of somebody's, and its host.
_VENDORS: Final = {"campfire": "campfirenow.com", "pagerduty": "events.pagerduty.com", "slack": "slack.com"}
# Judged already, with more than their URLs.
_JUDGED: Final = (
    "alicloud:message/serviceSubscription:",
    *("azure-native:eventgrid:EventSubscription", "gcp:pubsub/subscription:"),
)


def images(subject: Subject) -> Iterator[Violation]:
    """RES-023: images of containers without a cluster."""
    if not subject.type.startswith(_RUNNING):
        return
    pattern = hosts.compiled(hosts.image(subject.world, subject.allowed, subject.hosts))
    for path, key, value in leaves(subject):
        reference = value
        if key == "linuxFxVersion" and isinstance(value, str) and _LINUX.match(value):
            reference = value.partition("|")[2]
        elif key not in _IMAGES:
            continue
        if reference in (None, "") or reference is ACCEPTED:
            continue
        if not isinstance(reference, str) or not pattern.match(reference):
            reason = hosts.why(hosts.image_host(reference) if isinstance(reference, str) else "", subject.world)
            yield violation(subject, "RES-023", path, reference, reason, allowed=kube.allowed_hosts(subject))


def variables(subject: Subject) -> Iterator[Violation]:
    """Destinations in the environment of a container without a cluster, by the rules of those in one."""
    held = subject.inputs
    if subject.type.startswith(_SETTINGS):
        held = {"appSettings": held.get("properties")}
    for path, name, value in _environment(held, "") if subject.type.startswith(_RUNNING) else ():
        for rule, names, of in kube_pods.ENV:
            if hosts.compiled(names).match(name):
                pattern = kube.sources(subject) if of == kube_pods.FETCHED else kube.receivers(subject)
                yield from kube.sent(subject, rule, f"{path} ({name})", value, pattern=pattern)
        if isinstance(value, str) and not kube_told.is_judged(name):
            for one in told.addresses(value, name=name):
                yield from kube_told.address(subject, f"{path} ({name})", one, beside=value)


def arguments(subject: Subject) -> Iterator[Violation]:
    """RES-034: what a container without a cluster is started with."""
    found: dict[str, list[str]] = {}
    for path, key, value in leaves(subject) if subject.type.startswith(_RUNNING) else ():
        if isinstance(value, str) and key in {"args", "arg", "command", "commands", "entrypoint", "entryPoint"}:
            found.setdefault(path.rpartition("[")[0] or path, []).append(value)
    for path, words in found.items():
        text = " ".join(words)
        for one in told.addresses(text):
            yield from kube_told.address(subject, path, one, beside=text)


def _environment(value: Any, path: str) -> Iterator[tuple[str, str, Any]]:
    """(path, name, value) of each variable: a map, or a list of names and values."""
    for key, inner in kube.pairs(value):
        place = f"{path}.{key}".lstrip(".")
        if key in _VARIABLES and kube.pairs(inner):
            yield from ((f"{place}.{name}", name, one) for name, one in kube.pairs(inner))
        elif key in _VARIABLES:
            for index, one in enumerate(kube.items(inner)):
                name = at(one, "name") or at(one, "key")
                yield f"{place}[{index}].value", str(name or ""), at(one, "value")
        else:
            yield from _environment(inner, place)
    for index, inner in enumerate(kube.items(value)):
        yield from _environment(inner, f"{path}[{index}]")


def _calls(rule: str) -> Check:
    """The check of the services that tell an address what a rule is about."""

    def run(subject: Subject) -> Iterator[Violation]:
        if not subject.type.startswith(_CALLING[rule]) or subject.type.startswith(_JUDGED):
            return
        for path, key, value in walk(subject.inputs):
            named = isinstance(value, str) and "://" in value and _NAMED_CALLS.search(key) is not None
            if named or (value is UNKNOWN and key in _HOOKS):
                yield from kube.sent(subject, rule, path, value)

    return Check(rules=(rule,), run=run, types=_CALLING[rule])


def vendors(subject: Subject) -> Iterator[Violation]:
    """RES-014: channels that name no address and tell a service of somebody's."""
    host = _VENDORS.get(str(subject.inputs.get("type")))
    if host and subject.type.startswith("gcp:monitoring/notificationChannel:"):
        yield from kube.sent(subject, "RES-014", "type", host)


CHECKS: tuple[Check, ...] = (
    Check(rules=("RES-023",), run=images, types=_RUNNING),
    Check(rules=tuple(dict.fromkeys(rule for rule, _, _ in kube_pods.ENV)), run=variables, types=_RUNNING),
    Check(rules=(kube_told.RULE,), run=arguments, types=_RUNNING),
    *(_calls(rule) for rule in _CALLING),
    Check(rules=("RES-014",), run=vendors, types=("gcp:monitoring/notificationChannel:",)),
)
