"""All rules on one resource: the places, the access, what leaves otherwise, what runs in a cluster.

What each rule says stands in `components.policy.catalogue`. A check that fails is a refusal: what it would have said is
not known.
"""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

from components.policy import (
    access,
    addresses,
    alarm_rules,
    hardening,
    hidden,
    hooks,
    kube,
    kube_clouds,
    kube_custom,
    kube_hubs,
    kube_kustomize,
    kube_objects,
    kube_pods,
    kube_routes,
    kube_security,
    kube_settings,
    kube_texts,
    kube_told,
    kube_volumes,
    places,
    redundancy,
    traffic,
)
from components.policy.model import KNOWN, REFERENCE, Check, is_foreign, violation

if TYPE_CHECKING:
    from collections.abc import Iterator

    from components.policy.model import Subject, Violation

RESIDENCY: tuple[Check, ...] = (
    *places.CHECKS,
    *redundancy.CHECKS,
    *hidden.CHECKS,
    *hooks.CHECKS,
    *addresses.CHECKS,
    *traffic.CHECKS,
    *alarm_rules.CHECKS,
)
CLOUD: tuple[Check, ...] = (*RESIDENCY, *access.CHECKS, *hardening.CHECKS)
INSIDE: tuple[Check, ...] = (
    *hidden.CHECKS,
    *kube_pods.CHECKS,
    *kube_objects.CHECKS,
    *kube_routes.CHECKS,
    *kube_custom.CHECKS,
    *kube_volumes.CHECKS,
    *kube_texts.CHECKS,
    *kube_told.CHECKS,
    *kube_hubs.CHECKS,
    *kube_clouds.CHECKS,
    *kube_settings.CHECKS,
    *kube_kustomize.CHECKS,
)
KUBERNETES: tuple[Check, ...] = (*INSIDE, *kube_security.CHECKS)


def _foreign(subject: Subject) -> Iterator[Violation]:
    """RES-002: what no rule knows lies nobody knows where."""
    reason = "no rule knows this package: where its resources lie and what they send is not known, and unknown is no."
    yield violation(subject, "RES-002", "type", subject.type, reason, allowed=KNOWN)


FOREIGN: tuple[Check, ...] = (Check(rules=("RES-002",), run=_foreign),)
STACKS: tuple[Check, ...] = (Check(rules=("RES-011",), run=traffic.references),)


@lru_cache(maxsize=4096)
def checks_of(token: str, *, security: bool = True) -> tuple[Check, ...]:
    """The checks that have something to say about a type; without `security` those about residency alone."""
    found = checks_for(token, security=security)
    podless = token.startswith(kube.WITHOUT_PODS)
    return tuple(
        check for check in found if (not check.types or token.startswith(check.types)) and not (check.pods and podless)
    )


def checks_for(token: str, *, security: bool = True) -> tuple[Check, ...]:
    """The checks of what a type is of: a cloud, a cluster, another stack, or a package that no rule knows."""
    if token == REFERENCE:
        return STACKS
    if is_foreign(token):
        return FOREIGN
    if token.startswith("kubernetes:"):
        return KUBERNETES if security else INSIDE
    return CLOUD if security else RESIDENCY


def judge(subject: Subject, *, security: bool = True) -> list[Violation]:
    """Every violation of one resource, in a fixed order. Pure and total: an unexpected shape is a violation, no
    error, and so is a fault of a rule itself.
    """
    found: list[Violation] = []
    for check in checks_of(subject.type, security=security):
        try:
            found.extend(check.run(subject))
        except Exception as error:  # noqa: BLE001 - a rule that breaks must refuse and not end the others
            found.append(_broken(check, subject, error))
    return found


def _broken(check: Check, subject: Subject, error: Exception) -> Violation:
    """The refusal by a rule that failed. The message of the error is left out: it may hold a value."""
    reason = f"the check of {', '.join(check.rules)} itself failed, so what it would have said is not known."
    return violation(subject, check.rules[0], "(the rule)", type(error).__name__, reason, allowed="a rule that works")
