"""Every rule: what it says, against which leak, and which enforcer can see it.

The enforcers share one source of rules. `program` is the guard inside our program, on plain `pulumi preview` and `up`.
`check` is `twain residency check` on a plan, a state, a manifest or a contract. `pack` is the policy pack, for programs
that are not ours. `admission` stands in the API server of a cell. `fleet` is the check of the blueprint before a
program starts, `gate` the world's door, `cli` the command line itself. A test holds this table against what each
enforcer really refuses, both ways.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal

Enforcer = Literal["program", "check", "pack", "admission", "fleet", "gate", "cli"]
ENFORCERS: Final[tuple[Enforcer, ...]] = ("program", "check", "pack", "admission", "fleet", "gate", "cli")
Sight = Literal["all", "part"]
ENGINE: Final[dict[Enforcer, Sight]] = {"program": "all", "check": "all", "pack": "all"}
PLACES: Final[dict[Enforcer, Sight]] = {**ENGINE, "fleet": "part"}
CLUSTER: Final[dict[Enforcer, Sight]] = {**ENGINE, "admission": "all"}
PARTLY: Final[dict[Enforcer, Sight]] = {**ENGINE, "admission": "part"}


@dataclass(frozen=True, kw_only=True)
class Rule:
    """One rule. `sees` says how much of it an enforcer can see; an enforcer that is not named sees nothing of it."""

    id: str
    says: str
    zh: str
    fix: str
    threats: tuple[str, ...]
    sees: dict[Enforcer, Sight]


THREATS: Final[dict[str, str]] = {
    "T01": "state in a backend outside the world",
    "T02": "a reference from a stack of one world to one of another",
    "T03": "the key of the state's secrets held abroad",
    "T04": "labels of metrics that carry text of users",
    "T05": "metrics written or federated abroad, boards abroad",
    "T06": "aggregates of so few that one person is a row",
    "T07": "logs that hold prompts and answers",
    "T08": "traces, crash reports, usage statistics",
    "T09": "exports of bills with names and tags",
    "T10": "credentials that live long, on machines elsewhere",
    "T11": "weights, adapters, training and evaluation data",
    "T12": "caches and vector stores on remote tiers",
    "T13": "images with data in them, replicated registries",
    "T14": "backups, snapshots, copies, replication of buckets",
    "T15": "transfer acceleration, content networks, links between networks",
    "T16": "foreign resolvers, names that say who a customer is",
    "T17": "inference that fails over or is routed abroad",
    "T18": "proxies and package mirrors",
    "T19": "people: reports, piped output, commands over several worlds",
    "T20": "scanners and assistants that are somebody else's service",
    "T21": "places that are no place: global, multi-region, defaults",
    "T22": "personal data of the rest of the world in China",
}

_RULES: Final[tuple[Rule, ...]] = (
    Rule(id="RES-001", threats=("T07", "T14", "T21", "T22"), sees=PLACES,
         says="A place lies in another world, or outside the world's allow-list.",
         zh="位置在另一个辖区，或不在本辖区允许的地域之内。", fix="use a region of the world's allow-list"),
    Rule(id="RES-002", threats=("T13", "T21"), sees=PLACES,
         says="A place is not known to the tables, or names more than one region.",
         zh="位置不在已知地域表中，或不止一个地域。", fix="name one single region"),
    Rule(id="RES-003", threats=("T21",), sees=ENGINE,
         says="A place is absent, and the cloud or the provider would choose.",
         zh="未写明位置，云厂商或 provider 会自行选择。", fix="write the region out, on it or on its provider"),
    Rule(id="RES-004", threats=("T21",), sees=ENGINE,
         says="A place cannot be traced to anything that was judged.",
         zh="位置无法追溯到任何已判定的资源。", fix="state it, or take it from a resource of the same program"),
    Rule(id="RES-005", threats=("T07", "T13", "T14", "T15"), sees=ENGINE,
         says="Data would be replicated, exported or accelerated beyond the region.",
         zh="数据会被复制、导出或经由加速离开本地域。", fix="switch it off, or keep the copy in the same region"),
    Rule(id="RES-006", threats=("T15",), sees=ENGINE, says="A link to another network.",
         zh="与另一网络互联。", fix="cells are never joined: remove the link"),
    Rule(id="RES-010", threats=("T01",), sees={"program": "all", "check": "all", "fleet": "all"},
         says="The state is not kept in the world's own backend, or that lies elsewhere or nobody knows where.",
         zh="状态没有保存在本辖区自己的后端，或该后端位于他处或位置不明。",
         fix='eval "$(twain stack env --world WORLD)"'),
    Rule(id="RES-011", threats=("T02",), sees=ENGINE, says="A stack reads the outputs of a stack of another world.",
         zh="一个 stack 读取另一辖区 stack 的输出。", fix="ask through the gate what may be asked"),
    Rule(id="RES-012", threats=("T03",), sees={"check": "all", "fleet": "part"},
         says="The secrets of the state are encrypted by a key outside the world.",
         zh="状态中的机密由辖区之外的密钥加密。", fix="pulumi stack change-secrets-provider passphrase"),
    Rule(id="RES-013", threats=("T04",), sees={"check": "all", "gate": "all"},
         says="The telemetry contract lets out a label that can hold free text or name a person, a pod or a node.",
         zh="遥测合同允许可含自由文本、或可指向个人、Pod、节点的标签出境。", fix="take the label out of the contract"),
    Rule(id="RES-014", threats=("T05",), sees=PARTLY, says="Metrics or alerts are sent, federated or shown elsewhere.",
         zh="指标或告警被写往、联邦到或展示在其他地方。", fix="send them to an endpoint of the cell's own region"),
    Rule(id="RES-015", threats=("T06",), sees={"check": "all", "gate": "all"},
         says="The telemetry contract lets out groups smaller than ten.",
         zh="遥测合同允许小于十的分组出境。", fix="minimum: {field: requests, least: 10}"),
    Rule(id="RES-016", threats=("T07",), sees=CLUSTER, says="An engine writes prompts or answers into its log.",
         zh="推理引擎把提示词或回答写入日志。", fix="take the flag away"),
    Rule(id="RES-017", threats=("T07", "T08"), sees=PARTLY,
         says="Logs, traces, crash reports or usage statistics go elsewhere.",
         zh="日志、链路、崩溃报告或使用统计被送往其他地方。",
         fix="send them inside the cell; VLLM_NO_USAGE_STATS=1 and DO_NOT_TRACK=1 for vLLM"),
    Rule(id="RES-018", threats=("T09",), sees=ENGINE, says="Bills are exported with the names of resources.",
         zh="账单连同资源名称被导出。", fix="collect costs by twain cost, which leaves a world through its gate"),
    Rule(id="RES-019", threats=("T10",), sees=PARTLY, says="A credential is made that lives until somebody ends it.",
         zh="创建了长期有效的凭证。", fix="use workload identity and tokens of an hour"),
    Rule(id="RES-020", threats=("T11",), sees=PARTLY, says="Weights or data are fetched from elsewhere.",
         zh="权重或数据取自其他地方。", fix="stage them in the world's registry; HF_HUB_OFFLINE=1"),
    Rule(id="RES-021", threats=("T11", "T22"), sees=PARTLY,
         says="Data of this origin may not be in this world.", zh="此来源的数据不得处于本辖区。",
         fix="keep it in its own world, or name its true origin"),
    Rule(id="RES-022", threats=("T12",), sees=PARTLY, says="A cache or a vector store lies elsewhere.",
         zh="缓存或向量库在其他地方。", fix="use a store of the cell"),
    Rule(id="RES-023", threats=("T13",), sees={**PARTLY, "fleet": "part"}, says="An image comes from elsewhere.",
         zh="镜像来自其他地方。", fix="mirror it into the world's own registry"),
    Rule(id="RES-024", threats=("T14",), sees=PARTLY, says="Backups or snapshots are kept elsewhere.",
         zh="备份或快照保存在其他地方。", fix="name a store of the same region"),
    Rule(id="RES-025", threats=("T15",), sees=ENGINE, says="Traffic enters or content is kept worldwide.",
         zh="流量入口或内容分布在全球。", fix="use a regional entry"),
    Rule(id="RES-026", threats=("T16",), sees=PARTLY, says="Names are looked up elsewhere.",
         zh="域名解析在其他地方进行。", fix="use the cluster's own resolver"),
    Rule(id="RES-027", threats=("T16",), sees=PARTLY, says="A name, a label or a tag holds personal data.",
         zh="名称或标签中含有个人信息。", fix="use an opaque id"),
    Rule(id="RES-028", threats=("T17",), sees=PARTLY, says="Traffic is routed or fails over elsewhere.",
         zh="流量被路由或故障转移到其他地方。", fix="answer 503 instead: a world's traffic ends in it"),
    Rule(id="RES-029", threats=("T18",), sees=PARTLY, says="A proxy or a package mirror lies elsewhere.",
         zh="代理或软件包镜像在其他地方。", fix="use one of the world's own"),
    Rule(id="RES-030", threats=("T19",), sees={"cli": "all"},
         says="A verb asks another world for what does not cross. (The command line says RES-WORLD or RES-STATE.)",
         zh="命令向另一辖区索取不得出境的内容。（命令行显示 RES-WORLD 或 RES-STATE。）",
         fix="ask through the gate, or inside that world"),
    Rule(id="RES-031", threats=("T20",), sees=CLUSTER, says="An agent of somebody else's service runs in China.",
         zh="第三方服务的代理程序在中国境内运行。", fix="leave it out of this world"),
    Rule(id="RES-032", threats=("T08", "T17"), sees=PARTLY, says="A hosted model computes elsewhere.",
         zh="托管模型在其他地方计算。", fix="use a regional deployment of the same world"),
    Rule(id="RES-033", threats=("T08",), sees=PARTLY, says="Pods may reach the whole internet.",
         zh="Pod 可以访问整个互联网。", fix="name the ranges, or the namespaces, that are needed"),
    Rule(id="RES-034", threats=("T05", "T07", "T08", "T11"), sees=PARTLY,
         says="A program is told of an address elsewhere.",
         zh="程序被告知位于他处的地址。", fix="name an address of the cell, or declare the host as the world's own"),
    Rule(id="SEC-001", threats=(), sees=ENGINE, says="The Kubernetes API would be public.",
         zh="Kubernetes API 会暴露在公网。", fix="private endpoint"),
    Rule(id="SEC-002", threats=(), sees=ENGINE, says="A store could be made public.",
         zh="存储可能被设为公开。", fix="block public access"),
    Rule(id="SEC-003", threats=(), sees=ENGINE, says="The whole internet may come in.",
         zh="整个互联网都可访问。", fix="name the ranges"),
    Rule(id="SEC-004", threats=(), sees=ENGINE, says="Not encrypted with the cell's own key.",
         zh="没有使用本单元自己的密钥加密。", fix="give the key of the same region"),
    Rule(id="SEC-005", threats=(), sees=ENGINE, says="A public address beside the way out.",
         zh="出口之外的公网地址。", fix="go out by the NAT gateway"),
    Rule(id="SEC-006", threats=(), sees=ENGINE, says="A store answers without TLS.",
         zh="存储可不经 TLS 访问。", fix="require TLS"),
    Rule(id="SEC-007", threats=(), sees=ENGINE, says="A database or cache takes connections without TLS.",
         zh="数据库或缓存接受未加密的连接。", fix="refuse connections that are not encrypted"),
    Rule(id="SEC-008", threats=(), sees=ENGINE, says="An alert is sent to persons.",
         zh="告警直接发送给个人。", fix="name an object of the cloud that knows whom to tell"),
    Rule(id="SEC-009", threats=(), sees=ENGINE, says="Nodes would have public addresses.",
         zh="节点会有公网地址。", fix="private nodes behind the NAT gateway"),
    Rule(id="SEC-010", threats=(), sees=ENGINE, says="The control plane may be asked from anywhere.",
         zh="控制面可从任何地方访问。", fix="name the cell's ranges; no run command"),
    Rule(id="SEC-011", threats=(), sees=ENGINE, says="Disks of nodes are not encrypted with the cell's own key.",
         zh="节点磁盘没有使用本单元自己的密钥加密。", fix="give the key of the same region"),
    Rule(id="SEC-012", threats=(), sees=ENGINE, says="Nothing in the cluster enforces network policies.",
         zh="集群中没有组件执行网络策略。", fix="Dataplane V2, Cilium, or Terway with NetworkPolicy"),
    Rule(id="SEC-013", threats=(), sees=ENGINE, says="Pods would act by the identity of their node.",
         zh="Pod 会使用节点的身份。", fix="workload identity; an account of the nodes' own"),
    Rule(id="SEC-014", threats=(), sees=ENGINE, says="Local accounts, client certificates or ABAC let in.",
         zh="可通过本地账户、客户端证书或 ABAC 进入集群。", fix="the cloud's identities and Kubernetes RBAC only"),
    Rule(id="SEC-015", threats=(), sees=ENGINE, says="The control plane writes no audit log.",
         zh="控制面不写审计日志。", fix="log the API server, inside the region"),
    Rule(id="SEC-016", threats=(), sees=ENGINE, says="Nodes are not hardened, or nobody repairs them.",
         zh="节点未加固，或无人修复。", fix="verified boot, the cloud's own image, repair, metadata by token only"),
    Rule(id="SEC-017", threats=(), sees=ENGINE, says="Images are not scanned.",
         zh="镜像未被扫描。", fix="switch on the registry's own scanner"),
    Rule(id="SEC-018", threats=(), sees=ENGINE, says="Flows in the network are not recorded.",
         zh="网络流量没有记录。", fix="flow logs on every subnet, a VPC-native cluster"),
    Rule(id="SEC-019", threats=(), sees=ENGINE, says="An alpha cluster, or a web board in the cluster.",
         zh="alpha 集群，或集群内的 Web 面板。", fix="leave it out"),
    Rule(id="SEC-020", threats=(), sees=CLUSTER, says="A pod takes rights of its host.",
         zh="Pod 获取宿主机的权限。", fix="no privileged container, no host namespaces, folders or capabilities"),
    Rule(id="SEC-021", threats=(), sees=ENGINE, says="A pod does not say how it is held back.",
         zh="Pod 没有写明安全限制。", fix="runAsNonRoot, seccomp RuntimeDefault, drop ALL, no escalation"),
    Rule(id="SEC-022", threats=(), sees=ENGINE, says="A role takes in everything, or gives rights to everybody.",
         zh="角色的权限无边界，或授予所有人。", fix="name verbs, resources and subjects"),
    Rule(id="SEC-023", threats=(), sees=ENGINE, says="Pods run in the default namespace, or by its account's token.",
         zh="Pod 运行在 default 命名空间，或使用其默认账户的令牌。",
         fix="a namespace and an account of its own, or automountServiceAccountToken: false"),
    Rule(id="SEC-024", threats=(), sees=ENGINE, says="A secret is handed over as an environment variable.",
         zh="机密以环境变量传递。", fix="mount it as a file"),
    Rule(id="SEC-025", threats=(), sees=ENGINE, says="A namespace lets in privileged pods.",
         zh="命名空间允许特权 Pod。", fix="pod-security.kubernetes.io/enforce: restricted"),
    Rule(id="SEC-026", threats=(), sees=ENGINE, says="A bucket keeps no earlier versions.",
         zh="存储桶不保留历史版本。", fix="switch versioning on"),
)  # fmt: skip

RULES: Final[dict[str, Rule]] = {rule.id: rule for rule in _RULES}
# Rules about Kubernetes objects alone, which no cloud's resource can break.
IN_CLUSTERS: Final = frozenset(f"SEC-{number:03}" for number in range(20, 26))
