"""The rules that an API server can check, as expressions of its own language over the same patterns.

An admission policy sees one object and no tables, so everything is in its expressions: the hosts of the world, the
origins, the ranges. What stands as text inside a ConfigMap it cannot read.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from components.policy import cel_told, hosts, kube, kube_objects, kube_pods, kube_routes, kube_security
from components.policy.catalogue import RULES

if TYPE_CHECKING:
    from components.policy.decide import Border
    from components.policy.model import Permit


@dataclass(frozen=True, kw_only=True)
class Expression:
    """One condition that an object must keep, and the rule that it stands for."""

    rule: str
    cel: str

    @property
    def message(self) -> str:
        """What a refused caller reads."""
        rule = RULES[self.rule]
        return f"{rule.id} {rule.says} Fix: {rule.fix}."


@dataclass(frozen=True, kw_only=True)
class Policy:
    """One admission policy: what it looks at (API group to plural kinds), names for parts, conditions."""

    name: str
    resources: dict[str, tuple[str, ...]]
    variables: dict[str, str]
    expressions: tuple[Expression, ...]


_raw = cel_told.raw
# The cluster's own machinery is installed by the cloud; everything else is judged.
EXEMPT: Final = ("kube-node-lease", "kube-public", "kube-system")
_WORDS = "((has(c.command) ? c.command : []) + (has(c.args) ? c.args : [])).join(' ')"
_ARGS = "(has(c.args) ? c.args : []).join(' ')"
# What is looked at of what follows a flag: longer texts would cost more than an API server spends.
_NEAR = 600


def _is_on(name: str) -> str:
    """Whether a variable is on: the last of a name counts, so each of them must be."""
    on = "has(e.value) && e.value in ['1', 'true', 'True']"
    named = f"e.name == '{name}'"
    return f"(has(c.env) && c.env.exists(e, {named}) && c.env.all(e, !({named}) || ({on})))"


_CONTAINERS = (
    "(has(variables.spec.containers) ? variables.spec.containers : [])"
    " + (has(variables.spec.initContainers) ? variables.spec.initContainers : [])"
    " + (has(variables.spec.ephemeralContainers) ? variables.spec.ephemeralContainers : [])"
)


_CRON = "object.spec.jobTemplate.spec.template"


def _told(template: str) -> str:
    """What a template says of its pods; of one that says nothing, what the object says."""
    return f"(has({template}.metadata) ? {template}.metadata : object.metadata)"


def policies(border: Border) -> tuple[Policy, ...]:
    """The admission policies of a world."""
    return (
        Policy(
            name="twain-residency-pods",
            resources={
                "": ("pods", "pods/ephemeralcontainers", "replicationcontrollers"),
                "apps": ("deployments", "replicasets", "statefulsets", "daemonsets"),
                "batch": ("jobs", "cronjobs"),
            },
            variables={
                "spec": "object.kind == 'Pod' ? object.spec : (object.kind == 'CronJob' ? "
                "object.spec.jobTemplate.spec.template.spec : object.spec.template.spec)",
                "containers": _CONTAINERS,
                "template": f"object.kind == 'Pod' ? object.metadata : (object.kind == 'CronJob' ? {_told(_CRON)} : "
                f"{_told('object.spec.template')})",
            },
            expressions=(*_pods(border), *_labels(border), *_origins(border, "variables.template"), *_host()),
        ),
        Policy(
            name="twain-residency-objects",
            resources={
                "": (
                    *("services", "secrets", "configmaps", "persistentvolumeclaims", "persistentvolumes"),
                    *("serviceaccounts", "namespaces"),
                ),
                "networking.k8s.io": ("networkpolicies", "ingresses"),
                "gateway.networking.k8s.io": ("gateways", "httproutes", "grpcroutes"),
                "storage.k8s.io": ("storageclasses",),
                "apiextensions.k8s.io": ("customresourcedefinitions",),
                "admissionregistration.k8s.io": ("validatingwebhookconfigurations", "mutatingwebhookconfigurations"),
            },
            variables={},
            expressions=(*_objects(border), *_labels(border)),
        ),
        Policy(
            name="twain-residency-extensions",
            resources={
                "monitoring.coreos.com": ("prometheuses", "prometheusagents", "thanosrulers"),
                "velero.io": ("backupstoragelocations", "volumesnapshotlocations"),
            },
            variables={},
            expressions=_extensions(border),
        ),
    )


def _pods(border: Border) -> tuple[Expression, ...]:
    world, allowed, own = border.world, border.allowed, border.hosts
    image = _raw(hosts.image(world, allowed, own))
    fetched = _raw(hosts.destination(hosts.sources(world, allowed, own)))
    found = [
        Expression(rule="RES-023", cel=f"variables.containers.all(c, !has(c.image) || c.image.matches({image}))"),
        Expression(
            rule="RES-023",
            cel="!has(variables.spec.volumes) || variables.spec.volumes.all(v, !has(v.image) || "
            f"!has(v.image.reference) || v.image.reference.matches({image}))",
        ),
        *(_destination(border, rule, names, of) for rule, names, of in kube_pods.ENV),
        _traces(border),
        _models(border),
        *(Expression(rule="RES-028", cel=one) for one in cel_told.probes(border)),
        Expression(
            rule="RES-028",
            cel="!has(variables.spec.hostAliases) || variables.spec.hostAliases.all(a, !has(a.ip) || "
            f"a.ip.matches({_raw(hosts.destination(hosts.receivers(world, allowed, own)))}))",
        ),
        Expression(
            rule="RES-026",
            cel="!has(variables.spec.dnsConfig) || !has(variables.spec.dnsConfig.nameservers) || "
            f"variables.spec.dnsConfig.nameservers.all(s, s.matches({fetched}))",
        ),
    ]
    told = (Expression(rule="RES-034", cel=one) for one in cel_told.told(border, words=_WORDS))
    return (*found, *(_china() if world == "cn" else ()), *told)


def _destination(border: Border, rule: str, names: str, of: str) -> Expression:
    pattern = (hosts.sources if of == kube_pods.FETCHED else hosts.receivers)(
        border.world, border.allowed, border.hosts
    )
    value = _raw(hosts.destination(pattern))
    written = " || ".join(f"e.valueFrom.fieldRef.fieldPath.startsWith('{one}')" for one in kube.WRITTEN)
    own = f"has(e.valueFrom.fieldRef) && !({written})"
    if rule == "RES-022":
        own = f"{own} || has(e.valueFrom.secretKeyRef) && e.name.matches({_raw(kube.WITH_LOGIN)})"
    return Expression(
        rule=rule,
        cel=f"variables.containers.all(c, !has(c.env) || c.env.all(e, !e.name.matches({_raw(names)}) || "
        f"(has(e.valueFrom) ? ({own}) : (!has(e.value) || (size(e.value) <= {hosts.LONGEST} && {_STANDS} && "
        f"e.value.matches({value}))))))",
    )


def _stands() -> str:
    """As `kube.Container.stands`."""
    name = "'$(' + f.name + ')'"
    fields = ", ".join(f"'{one}'" for one in kube.ADDRESSES)
    address = f"has(f.valueFrom) && has(f.valueFrom.fieldRef) && f.valueFrom.fieldRef.fieldPath in [{fields}]"
    splits = f"f.value.matches(e.value.contains('@') ? {_raw(kube.SPLITS[True])} : {_raw(kube.SPLITS[False])})"
    head, tail = _raw(kube.HEAD + r"\$\("), _raw(r"\)" + kube.TAIL)
    first = f"e.value.matches({head} + f.name + {tail})"
    return (
        f"(!e.value.contains('$(') || (c.env.all(f, !e.value.contains({name}) || ({address}) || "
        f"!((has(f.value) && {splits}) || {first})) && "
        f"(!e.value.matches({_raw(kube.HEADED)}) || c.env.exists(f, e.value.contains({name}) && {address}))))"
    )


_STANDS = _stands()


def _traces(border: Border) -> Expression:
    good = _raw(kube_pods.traces_value(hosts.receivers(border.world, border.allowed, border.hosts)))
    return Expression(
        rule="RES-017",
        cel=f"variables.containers.all(c, !{_WORDS}.contains('{kube_pods.TRACES}') || "
        f"('x' + {_WORDS}).split('{kube_pods.TRACES}').map(p, p.size() > {_NEAR} ? p.substring(0, {_NEAR}) : p)"
        f".filter(p, !p.matches({good})).size() <= 1)",
    )


def _models(border: Border) -> Expression:
    good = _raw(kube_pods.model_value(border.world, hosts.sources(border.world, border.allowed, border.hosts)))
    found, stores = _raw(f"(?i){kube_pods.MODEL_URI}"), _raw(kube_pods.STORES)
    own = f"(has(c.env) && c.env.exists(e, e.name.matches({stores})) && m.matches(r'(?i)(?:s3|oss)://'))"
    return Expression(
        rule="RES-020",
        cel=f"variables.containers.all(c, !({_engine(kube_pods.ENGINE_IMAGE)}) || !{_WORDS}.contains('://') || "
        f"{_WORDS}.findAll({found}).all(m, {own} || m.matches({good})))",
    )


def _image(pattern: str) -> str:
    return f"has(c.image) && c.image.split('@')[0].matches({_raw(pattern)})"


def _engine(pattern: str) -> str:
    """As `kube_pods._runs`."""
    beside, words = _raw(kube_pods.BESIDE_IMAGE), _raw(kube_pods.BESIDE_WORDS)
    return f"{_image(pattern)} && (!c.image.split('@')[0].matches({beside}) || {_WORDS}.matches({words}))"


def _china() -> tuple[Expression, ...]:
    hub = f"({_WORDS}.matches({_raw(kube_pods.FROM_HUB)}) || {_ARGS}.matches({_raw(kube_pods.FIRST_FROM_HUB)}))"
    told = f"({_is_on('VLLM_NO_USAGE_STATS')} || {_is_on('DO_NOT_TRACK')})"
    saas = _raw(kube_pods.SAAS_KEYS)
    off = ", ".join(f"'{one}'" for one in kube_pods.OFF)
    return (
        Expression(
            rule="RES-016", cel=f"variables.containers.all(c, !{_WORDS}.matches({_raw(kube_pods.LOGS_CONTENT)}))"
        ),
        Expression(
            rule="RES-016",
            cel="variables.containers.all(c, !has(c.env) || c.env.all(e, "
            f"!e.name.matches({_raw(kube_pods.LOGS_BY_NAME)}) || "
            f"(!has(e.valueFrom) && (!has(e.value) || e.value in [{off}]))))",
        ),
        Expression(
            rule="RES-017",
            cel=f"variables.containers.all(c, !({_engine(kube_pods.VLLM_IMAGE)}) || {told})",
        ),
        Expression(
            rule="RES-020",
            cel=f"variables.containers.all(c, !({_engine(kube_pods.ENGINE_IMAGE)}) || !{hub} || "
            f"{_is_on('HF_HUB_OFFLINE')})",
        ),
        Expression(
            rule="RES-031",
            cel=f"variables.containers.all(c, !({_image(kube_pods.SAAS_IMAGE)}) && "
            f"(!has(c.env) || c.env.all(e, !e.name.matches({saas}))))",
        ),
    )


def _host() -> tuple[Expression, ...]:
    """What a pod may not have of its host. What it does not say is for the namespace's Pod Security."""
    excepted = f"request.namespace == '{kube_security.EXCEPTED}'"
    folders, mighty, small = (
        ", ".join(f"'{one}'" for one in names)
        for names in (kube_security.FOLDERS, kube_security.MIGHTY, kube_security.CAPABILITIES)
    )
    kept = f"({excepted} && v.hostPath.path in [{folders}])"
    named = f"a in [{small}] || ({excepted} && a in [{mighty}])"
    own = "has(c.securityContext)"
    flags = " && ".join(
        f"(!has(c.securityContext.{key}) || !c.securityContext.{key})"
        for key in ("privileged", "allowPrivilegeEscalation")
    )
    added = "has(c.securityContext.capabilities) && has(c.securityContext.capabilities.add)"
    conditions = (
        " && ".join(f"(!has(variables.spec.{key}) || !variables.spec.{key})" for key in kube_security.HOST),
        f"!has(variables.spec.volumes) || variables.spec.volumes.all(v, !has(v.hostPath) || {kept})",
        f"variables.containers.all(c, !{own} || ({flags}))",
        f"variables.containers.all(c, !({own} && {added}) || c.securityContext.capabilities.add.all(a, {named}))",
    )
    return tuple(Expression(rule="SEC-020", cel=one) for one in conditions)


def _counts(entry: Permit) -> str:
    """Whether an entry counts at the moment of the request. The language has no clock; the API server has stamped the
    object before a policy sees it, whatever the caller says: its creation, and at each change of what it says the
    newest of its managed fields. One whose fields were wiped has no such stamp and is not let in; one that is on its
    way out may let go of its finalizers.
    """
    first, last = (
        f"timestamp('{day}T{time}Z')" for day, time in ((entry.since, "00:00:00"), (entry.until, "23:59:59"))
    )
    made, fields = "timestamp(object.metadata.creationTimestamp)", "object.metadata.managedFields"
    changed = (
        f"has({fields}) && {fields}.exists(m, has(m.time) && timestamp(m.time) >= {first}) && "
        f"{fields}.all(m, !has(m.time) || timestamp(m.time) <= {last})"
    )
    return (
        f"(request.operation == 'CREATE' ? {made} >= {first} && {made} <= {last} : "
        f"has(object.metadata.deletionTimestamp) || ({changed}))"
    )


def _let(entry: Permit, held: str) -> str:
    """What an object must say, and when, to be let in by an export entry."""
    notes = f"{held}.annotations"
    artefacts = ", ".join(_raw(one) for one in sorted(entry.artefacts))
    mine = next(key for key, kind in kube_objects.KINDS.items() if kind == entry.kind)
    others = [key for key in kube_objects.ARTEFACTS if not key.endswith(mine)]
    keys = [key for key in kube_objects.ARTEFACTS if key.endswith(mine) and "/" in key]
    named = " && ".join(f"'{key}' in {notes} && {notes}['{key}'] in [{artefacts}]" for key in keys)
    alone = " && ".join(f"!('{key}' in {notes})" for key in others)
    return (
        f"{held}.SAID['{kube_objects.ORIGIN}'] == '{entry.origin}' && has({notes}) && "
        f"'{kube_objects.EXPORT}' in {notes} && {notes}['{kube_objects.EXPORT}'] == '{entry.id}' && {named} && "
        f"{alone} && {_counts(entry)}"
    )


def _origins(border: Border, held: str) -> tuple[Expression, ...]:
    """RES-021 of one description of an object."""
    origin = kube_objects.ORIGIN
    good = ", ".join(
        f"'{one}'" for one in sorted(kube_objects.ORIGINS) if kube_objects.ELSEWHERE.get(one) != border.world
    )
    entries = sorted(border.exports.values(), key=lambda one: one.id)
    # Those of other days, too: which one counts is asked at each request.
    let = "".join(f" || ({_let(one, held)})" for one in entries if one.to == border.world)
    return tuple(
        Expression(
            rule="RES-021",
            cel=f"!has({held}.{part}) || !('{origin}' in {held}.{part}) || "
            f"{held}.{part}['{origin}'] in [{good}]{let.replace('SAID', part)}",
        )
        for part in ("labels", "annotations")
    )


def _labels(border: Border) -> tuple[Expression, ...]:
    person, mail, counted = (
        _raw(one.pattern) for one in (kube_objects.PERSONAL, kube_objects.MAIL, kube_objects.COUNTED)
    )
    return (
        *_origins(border, "object.metadata"),
        Expression(
            rule="RES-027",
            cel="!has(object.metadata.labels) || object.metadata.labels.all(k, "
            f"!object.metadata.labels[k].matches({person}) || "
            f"(k.matches({counted}) && !object.metadata.labels[k].matches({mail})))",
        ),
        Expression(rule="RES-027", cel=f"!has(object.metadata.name) || !object.metadata.name.matches({person})"),
    )


def _objects(border: Border) -> tuple[Expression, ...]:
    sent = _raw(hosts.destination(hosts.receivers(border.world, border.allowed, border.hosts)))
    found = [
        Expression(
            rule="RES-028",
            cel="object.kind != 'Service' || !has(object.spec.type) || object.spec.type != 'ExternalName' || "
            f"(has(object.spec.externalName) && object.spec.externalName.matches({sent}))",
        ),
        Expression(
            rule="RES-028",
            cel=f"!(object.kind in {list(kube_routes.WEBHOOKS)}) || !has(object.webhooks) || "
            f"object.webhooks.all(w, !has(w.clientConfig.url) || w.clientConfig.url.matches({sent}))",
        ),
        Expression(
            rule="RES-028",
            cel="object.kind != 'CustomResourceDefinition' || !has(object.spec.conversion) || "
            "!has(object.spec.conversion.webhook) || !has(object.spec.conversion.webhook.clientConfig) || "
            "!has(object.spec.conversion.webhook.clientConfig.url) || "
            f"object.spec.conversion.webhook.clientConfig.url.matches({sent})",
        ),
        Expression(
            rule="RES-019",
            cel="object.kind != 'Secret' || !has(object.type) || object.type != 'kubernetes.io/service-account-token'",
        ),
    ]
    if border.world == "cn":
        private = _raw(kube_routes.PRIVATE_RANGE)
        found.append(
            Expression(
                rule="RES-033",
                cel="object.kind != 'NetworkPolicy' || !has(object.spec.egress) || object.spec.egress.all(r, "
                "has(r.to) && size(r.to) > 0 && "
                f"r.to.all(p, !has(p.ipBlock) || p.ipBlock.cidr.matches({private})))",
            )
        )
    return tuple(found)


def _extensions(border: Border) -> tuple[Expression, ...]:
    sent = _raw(hosts.destination(hosts.receivers(border.world, border.allowed, border.hosts)))
    regions = ", ".join(f"'{region}'" for region in sorted(border.allowed))
    return (
        *(
            Expression(
                rule="RES-014",
                cel=f"!has(object.spec) || !has(object.spec.{key}) || object.spec.{key}.all(w, "
                f"!has(w.url) || w.url.matches({sent}))",
            )
            for key in ("remoteWrite", "remoteRead")
        ),
        Expression(
            rule="RES-024",
            cel="!(object.kind in ['BackupStorageLocation', 'VolumeSnapshotLocation']) || "
            "(has(object.spec.config) && 'region' in object.spec.config && "
            f"object.spec.config['region'] in [{regions}] && "
            f"(!('s3Url' in object.spec.config) || object.spec.config['s3Url'].matches({sent})))",
        ),
    )
