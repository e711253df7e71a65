"""Which articles of the law each rule has in view, and which control of a cloud stands behind it. Engineering notes,
not legal advice: an article here says why somebody thought of the rule, not that the rule is enough for it.

PIPL is China's Personal Information Protection Law (in force since 1 November 2021); CAC are the Provisions on
Promoting and Regulating Cross-border Data Flows (Order No. 16, in force since 22 March 2024).
Both were read in translations and summaries, not by a lawyer.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, kw_only=True)
class Basis:
    """The articles of a rule and the controls behind it, by the names of `CONTROLS`."""

    pipl: tuple[str, ...]
    cac: tuple[str, ...] = ()
    controls: tuple[str, ...]

    def laws(self) -> dict[str, tuple[str, ...]]:
        """The articles by law, of those that have some."""
        found = {"PIPL": self.pipl, "CAC 2024": self.cac}
        return {name: articles for name, articles in found.items() if articles}


# What stands behind a rule where somebody goes past it: English, Chinese.
CONTROLS: Final[dict[str, tuple[str, str]]] = {
    "places": (
        "policies on places: Resource Directory control policies, gcp.resourceLocations, allowed locations",
        "组织级地域策略（资源目录管控策略、gcp.resourceLocations、allowed locations）",
    ),
    "links": ("policies of the organisation that refuse links (CEN, VPN, peering)",
              "组织级策略禁止互联（CEN、VPN、对等连接）"),
    "backend": ("rights on the bucket of the state", "状态存储桶的访问权限"),
    "keys": ("the key's own policy, and its region", "密钥自身的策略及其所在地域"),
    "stores": ("the account's block of public access, private endpoints", "账号级禁止公开访问、私网端点"),
    "network": ("security groups, firewalls, a NAT gateway as the one way out",
                "安全组、防火墙、以 NAT 网关为唯一出口"),
    "registry": ("the registry's own endpoints and rights", "镜像仓库自身的端点与权限"),
    "identity": ("RRSA, Workload Identity, federated credentials", "RRSA、Workload Identity、联合身份凭据"),
    "api": ("the API server: RBAC and its audit log", "API server 的 RBAC 与审计日志"),
    "admission": ("admission policies of the cell", "单元内的准入策略"),
    "pods": ("Pod Security of the namespaces", "命名空间的 Pod Security"),
    "egress": ("network policies of the namespaces", "命名空间的网络策略"),
    "audit": ("the cloud's audit trail (ActionTrail, Cloud Audit Logs, activity log)",
              "云审计（ActionTrail、Cloud Audit Logs、活动日志）"),
    "gate": ("the gate, which filters before anything leaves", "关口：先过滤，后出境"),
    "none": ("nothing: the rule stands alone", "无：仅有本规则"),
}  # fmt: skip

_OUT: Final = {"pipl": ("38", "39", "40", "55"), "cac": ("5", "7", "8")}
_SAFE: Final = {"pipl": ("9", "51")}


def _out(*controls: str) -> Basis:
    return Basis(pipl=_OUT["pipl"], cac=_OUT["cac"], controls=controls)


def _safe(*controls: str, cac: tuple[str, ...] = ("11",), more: tuple[str, ...] = ()) -> Basis:
    return Basis(pipl=(*more, *_SAFE["pipl"]), cac=cac, controls=controls)


BASIS: Final[dict[str, Basis]] = {
    "RES-001": _out("places", "audit"),
    "RES-002": _out("places"),
    "RES-003": _out("places"),
    "RES-004": _out("places"),
    "RES-005": _out("stores", "audit"),
    "RES-006": _out("links", "network"),
    "RES-010": _out("backend"),
    "RES-011": _out("backend"),
    "RES-012": _safe("keys"),
    "RES-013": Basis(pipl=("4", "6", "38", "73"), cac=("3",), controls=("gate",)),
    "RES-014": _out("egress", "network"),
    "RES-015": Basis(pipl=("4", "73"), cac=("3",), controls=("gate",)),
    "RES-016": _safe("admission", more=("6", "19")),
    "RES-017": Basis(pipl=("21", "38", "39", "51"), cac=("5", "7", "8", "11"), controls=("egress", "network")),
    "RES-018": Basis(pipl=("6", "38"), cac=("5",), controls=("audit",)),
    "RES-019": _safe("identity", "audit"),
    "RES-020": _safe("egress", "registry"),
    "RES-021": Basis(pipl=_OUT["pipl"], cac=("4", "5", "7", "8", "9", "10"), controls=("admission",)),
    "RES-022": _out("egress", "network"),
    "RES-023": _safe("registry", "admission"),
    "RES-024": _out("stores", "audit"),
    "RES-025": _out("network", "links"),
    "RES-026": _safe("network", more=("38",)),
    "RES-027": Basis(pipl=("6", "51", "73"), cac=("11",), controls=("admission",)),
    "RES-028": _out("egress", "network"),
    "RES-029": _safe("egress", "network", more=("38",)),
    "RES-030": _out("gate", "api"),
    "RES-031": Basis(pipl=("21", "23", "38"), cac=("5", "7", "8"), controls=("egress", "admission")),
    "RES-032": Basis(pipl=("21", "23", "38"), cac=("5", "7", "8"), controls=("places", "egress")),
    "RES-033": _safe("egress", "network"),
    "RES-034": _out("egress", "network"),
    "SEC-001": _safe("network"),
    "SEC-002": _safe("stores"),
    "SEC-003": _safe("network"),
    "SEC-004": _safe("keys"),
    "SEC-005": _safe("network"),
    "SEC-006": _safe("stores"),
    "SEC-007": _safe("stores"),
    "SEC-008": Basis(pipl=("6", "51"), controls=("none",)),
    "SEC-009": _safe("network"),
    "SEC-010": _safe("network", "api"),
    "SEC-011": _safe("keys"),
    "SEC-012": _safe("egress"),
    "SEC-013": _safe("identity"),
    "SEC-014": _safe("identity", "api"),
    "SEC-015": _safe("audit", more=("54",)),
    "SEC-016": _safe("none"),
    "SEC-017": _safe("registry"),
    "SEC-018": _safe("audit", more=("57",)),
    "SEC-019": _safe("none"),
    "SEC-020": _safe("admission", "pods"),
    "SEC-021": _safe("pods"),
    "SEC-022": _safe("api"),
    "SEC-023": _safe("pods", "api"),
    "SEC-024": _safe("none"),
    "SEC-025": _safe("pods"),
    "SEC-026": _safe("stores"),
}

THREATS_ZH: Final[dict[str, str]] = {
    "T01": "状态保存在辖区之外的后端",
    "T02": "一个辖区的 stack 引用另一辖区的 stack",
    "T03": "状态机密的密钥保存在境外",
    "T04": "指标标签带有用户文本",
    "T05": "指标写往或联邦到境外、境外看板",
    "T06": "分组过小，一人即一行",
    "T07": "日志含有提示词与回答",
    "T08": "链路、崩溃报告、使用统计",
    "T09": "账单导出带有名称与标签",
    "T10": "长期凭证存放在他处机器上",
    "T11": "权重、适配器、训练与评测数据",
    "T12": "远端缓存与向量库",
    "T13": "含数据的镜像、跨地域复制的仓库",
    "T14": "备份、快照、副本、存储桶复制",
    "T15": "传输加速、内容分发、网络互联",
    "T16": "境外解析、暴露客户身份的名称",
    "T17": "推理故障转移或路由到境外",
    "T18": "代理与软件包镜像",
    "T19": "人员：报告、管道输出、跨辖区命令",
    "T20": "第三方服务的扫描器与助手",
    "T21": "不是地点的地点：global、多地域、默认值",
    "T22": "境外个人信息进入中国",
}
