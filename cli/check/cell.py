"""Every check of one cell against the account that it is to be made in, the same on every cloud.

What the account answers is compared with what the fleet declares. A question that gets no answer is `unknown`; the
other questions are asked all the same.
"""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from cli import errors
from cli.check import machines
from cli.check.model import MACHINES, Finding, failed, ok, unknown
from cli.check.probe import Want
from components.clouds import gpu, kubernetes, naming, node_images, regions
from components.clouds.needs import NEEDS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from cli.check.probe import Network, Offer, Probe, Quota
    from components.spec.model import ResolvedCell

CREDENTIALS, SERVICES, KUBERNETES = "credentials", "services", "kubernetes"
QUOTA, ADDONS, NETWORK = "quota", "add-ons", "network"
CHECKS = (CREDENTIALS, SERVICES, KUBERNETES, MACHINES, QUOTA, ADDONS, NETWORK)
_NETWORK_WORDS = ("network", "vnet", "vpc")


@dataclass(frozen=True, kw_only=True)
class Subject:
    """A cell with what its checks need of the fleet."""

    fleet: str
    cell: ResolvedCell
    # Whether machines of this cell may run already, and be among those that count against its quotas.
    up: bool = False

    @property
    def cloud(self) -> str:
        """The cell's cloud."""
        return self.cell.cell.cloud

    @property
    def own_networks(self) -> frozenset[str]:
        """What the cell's own network may be called: each cloud has its word for one."""
        return frozenset(naming.regional(self.fleet, self.cell.cell.name, word) for word in _NETWORK_WORDS)

    @property
    def zones(self) -> tuple[str, ...]:
        """The zones of the cell."""
        return regions.of_cell(self.cloud, self.cell.cell.region, self.cell.cell.zones)


def look(subject: Subject, probe: Probe) -> list[Finding]:
    """Everything that can be learnt, in the order of CHECKS. Raises nothing that a tool may cause."""
    try:
        who = probe.identity()
    except errors.AuthError as error:
        return [_signed_out(subject, error), *_unasked(error)]
    except errors.TwainError as error:
        return [unknown(check, "account", error.message, fix=error.fix) for check in CHECKS]
    found = [ok(CREDENTIALS, "account", who, source=NEEDS[subject.cloud].tool)]
    found += _guarded(SERVICES, lambda: services(subject, probe.services()))
    found += _guarded(KUBERNETES, lambda: minors(subject, probe.minors()))
    found += growth(subject, probe)
    found += _guarded(ADDONS, lambda: addons(subject, probe.addons(subject.cell.template.kubernetes_minor)))
    return found + _guarded(NETWORK, lambda: networks(subject, probe.networks()))


def growth(subject: Subject, probe: Probe) -> list[Finding]:
    """Whether the machines are there and the cell may grow to all that it declares."""
    wants = wanted(subject)
    offers: dict[str, Offer] = {}

    def known() -> list[Finding]:
        offers.update(probe.offers([want.machine for want in wants]))
        return machines.look(subject, wants, offers)

    found = _guarded(MACHINES, known)
    if not offers and any(finding.state == "unknown" for finding in found):
        return [*found, unknown(QUOTA, "account", "which machines count against which limit could not be asked")]
    return found + _guarded(QUOTA, lambda: quotas(subject, probe.quotas(wants, offers)))


def _guarded(check: str, work: Callable[[], list[Finding]]) -> list[Finding]:
    """An answer of another shape than expected is no answer: it is told as unknown, never guessed at."""
    try:
        return work()
    except errors.TwainError as error:
        return [unknown(check, "account", error.message, fix=error.fix)]
    except (KeyError, TypeError, ValueError, AttributeError, IndexError) as error:
        says = f"the tool's answer is not understood ({type(error).__name__}: {error})"
        return [unknown(check, "account", says, fix="compare the tool's version with docs/explanation/checks.md")]


def _signed_out(subject: Subject, error: errors.TwainError) -> Finding:
    fix = error.fix or NEEDS[subject.cloud].sign_in
    return failed(CREDENTIALS, "account", error.message, fix=fix, code=errors.AUTH)


def _unasked(error: errors.TwainError) -> list[Finding]:
    return [unknown(check, "account", "nobody is signed in to ask", fix=error.fix) for check in CHECKS[1:]]


def wanted(subject: Subject) -> list[Want]:
    """Machines that the cell may grow to, each pool with as many more as an upgrade takes."""
    template, cell = subject.cell.template, subject.cell.cell
    more = node_images.more_while_replaced(cell.cloud, template.nodes.surge)
    system = gpu.cpu_machine(cell.cloud, template.system_pool.size)
    found = [Want(machine=system, count=template.system_pool.max + more, zones=subject.zones)]
    for pool in template.gpu_pools:
        machine = gpu.machine(cell.cloud, cell.region, pool.gpu_class, pool.gpus_per_node)
        if machine is not None:
            one = Want(
                machine=machine.instance_type,
                count=pool.max + more,
                gpus=machine.gpus,
                accelerator=machine.accelerator,
                pool=pool.name,
                zones=pool.within(subject.zones),
            )
            found.append(one)
    return found


def services(subject: Subject, on: frozenset[str]) -> list[Finding]:
    """What has to be switched on, one finding for each that is not."""
    needs = NEEDS[subject.cloud]
    off = {one: needs.switch_on.format(service=one) for one in needs.services if one not in on}
    absent = {one: what for one, what in needs.asked_for.items() if one not in on}
    if not off and not absent:
        return [ok(SERVICES, "account", f"all {len(needs.services) + len(needs.asked_for)} are on", source=needs.tool)]
    return [
        failed(SERVICES, one, says, fix=fix, source=needs.tool)
        for missing, says in (
            (off, "is not switched on."),
            (absent, "is not known to be there; who asks for it makes it."),
        )
        for one, fix in missing.items()
    ]


def minors(subject: Subject, offered: frozenset[str]) -> list[Finding]:
    """The fleet's minor, as the region offers it today and as our calendar says."""
    wanted_minor, tool = subject.cell.template.kubernetes_minor, NEEDS[subject.cloud].tool
    if not offered:
        return [unknown(KUBERNETES, wanted_minor, "the account lists no version", source=tool)]
    if wanted_minor not in offered:
        says = f"is not offered in {subject.cell.cell.region}; offered: {', '.join(sorted(offered))}."
        return [failed(KUBERNETES, wanted_minor, says, fix="set kubernetes_minor to one of these", source=tool)]
    entry = kubernetes.CALENDARS[subject.cloud].get(wanted_minor)
    until = entry.until if entry is not None and entry.until else "unknown"
    return [ok(KUBERNETES, wanted_minor, f"offered; supported until {until}", source=tool)]


def quotas(subject: Subject, known: Sequence[Quota]) -> list[Finding]:
    """Whether the cell may grow to all that it declares, beside what others use."""
    return [_quota(subject, quota) for quota in known]


def _quota(subject: Subject, quota: Quota) -> Finding:
    needs, amounts = NEEDS[subject.cloud], f"{quota.needed:g} needed at most"
    fix = f"{needs.raise_quota.format(quota=quota.name)}, or lower max of the pools"
    if quota.limit is None:
        return unknown(QUOTA, quota.name, f"{amounts}; the account does not tell this limit", fix=fix)
    used = quota.used or 0.0
    told = "unknown" if quota.used is None else f"{quota.used:g}"
    words = f"{amounts} of {quota.limit:g}; in use {told}"
    if quota.needed > quota.limit or (not subject.up and used + quota.needed > quota.limit):
        return failed(QUOTA, quota.name, f"{words}.", fix=fix, source=needs.tool)
    if used + quota.needed > quota.limit:
        says = f"{words}, and how much of that is the cell's own is not told"
        return unknown(QUOTA, quota.name, says, fix=fix, source=needs.tool)
    return ok(QUOTA, quota.name, words, source=needs.tool)


def addons(subject: Subject, offered: frozenset[str] | None) -> list[Finding]:
    """Add-ons of the cluster, where the cloud lists them by version."""
    needs = NEEDS[subject.cloud]
    if offered is None:
        return [ok(ADDONS, "cluster", "part of the cluster on this cloud: there is no list to look into")]
    gone = [name for name in needs.addons if name not in offered]
    if not gone:
        return [ok(ADDONS, "cluster", f"all {len(needs.addons)} are offered", source=needs.tool)]
    minor = subject.cell.template.kubernetes_minor
    return [
        failed(ADDONS, name, f"is not offered for Kubernetes {minor}.", fix="choose another minor", source=needs.tool)
        for name in gone
    ]


def networks(subject: Subject, existing: Sequence[Network]) -> list[Finding]:
    """Whether the cell's range meets one that is in use. The cell's own network is not in its own way."""
    mine = ipaddress.ip_network(subject.cell.cell.cidr)
    tool = NEEDS[subject.cloud].tool
    found: list[Finding] = []
    for network in existing:
        if network.name in subject.own_networks:
            continue
        met = [text for text in network.ranges if mine.overlaps(ipaddress.ip_network(text, strict=False))]
        if met:
            says = f"its range {', '.join(met)} overlaps {mine} of the cell."
            fix = "give the cell another cidr, or the two can never be joined"
            found.append(failed(NETWORK, network.name, says, fix=fix, source=tool))
    others = sum(network.name not in subject.own_networks for network in existing)
    return found or [ok(NETWORK, str(mine), f"meets none of {others} other networks here", source=tool)]


def summary(findings: Iterable[Finding]) -> dict[str, int]:
    """How many of each state."""
    counts: dict[str, int] = {"ok": 0, "failed": 0, "unknown": 0}
    for finding in findings:
        counts[finding.state] += 1
    return counts


def as_items(findings: Iterable[Finding], *, world: str, cell: str | None) -> list[dict[str, Any]]:
    """The rows of the report."""
    return [finding.as_json(world=world, cell=cell) for finding in findings]
