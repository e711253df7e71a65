"""The calendars of Kubernetes minors and the table of removed APIs: facts have invariants."""

from __future__ import annotations

import re
from typing import get_args

from components.clouds import kubernetes
from components.spec.model import Cloud
from rehearsal.providers.facts import KUBERNETES_MINORS


def test_every_cloud_has_a_calendar_without_a_hole_and_with_a_source() -> None:
    assert set(kubernetes.CALENDARS) == set(get_args(Cloud))
    for calendar in kubernetes.CALENDARS.values():
        numbers = [kubernetes.number(minor) for minor in calendar.names]
        assert numbers == list(range(numbers[0], numbers[-1] + 1))
        assert calendar.source
        for minor in calendar.minors:
            dates = [date for date in (minor.since, minor.until) if date]
            assert dates == sorted(dates)
            assert all(re.fullmatch(r"20\d\d-\d\d", date) for date in dates)


def test_the_emulated_clouds_offer_what_the_calendars_say() -> None:
    """Two tables, read from the vendors' pages twice: a slip in one shows here."""
    assert {cloud: calendar.names for cloud, calendar in kubernetes.CALENDARS.items()} == KUBERNETES_MINORS


def test_a_removal_has_a_minor_a_group_and_no_twin() -> None:
    found = kubernetes.removals()
    assert len({(one.api_version, one.kind) for one in found}) == len(found) > 20
    assert all(re.fullmatch(r"1\.\d\d", one.removed) and "." in one.group for one in found)


def test_an_upgrade_takes_away_what_lies_between_and_nothing_else() -> None:
    taken = {(one.api_version, one.kind) for one in kubernetes.removed_between("1.33", "1.34")}
    assert taken == {
        ("admissionregistration.k8s.io/v1beta1", "ValidatingAdmissionPolicy"),
        ("admissionregistration.k8s.io/v1beta1", "ValidatingAdmissionPolicyBinding"),
    }
    assert kubernetes.removed_between("1.35", "1.35") == ()
