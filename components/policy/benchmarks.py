"""Which paragraphs of the CIS benchmarks each rule stands for, and which checks of scanners say the same.

The ids are those of kube-bench's files `gke-1.9.0`, `aks-1.8` and `ack-1.0`, and of checkov. Most are marked "manual"
there, because such a scanner runs inside a cluster; as rules over a plan they need nobody.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

GKE: Final = "CIS GKE 1.9.0"
AKS: Final = "CIS AKS 1.8"
ACK: Final = "CIS ACK 1.0"


@dataclass(frozen=True, kw_only=True)
class Twins:
    """The ids of one rule elsewhere. Empty: that benchmark has no such paragraph."""

    gke: tuple[str, ...] = ()
    aks: tuple[str, ...] = ()
    ack: tuple[str, ...] = ()
    scanners: tuple[str, ...] = ()

    def rows(self) -> dict[str, tuple[str, ...]]:
        """By the name of the benchmark, those that have something."""
        found = {GKE: self.gke, AKS: self.aks, ACK: self.ack, "checkov": self.scanners}
        return {name: ids for name, ids in found.items() if ids}


def _ali(*numbers: int) -> tuple[str, ...]:
    return tuple(f"CKV_ALI_{number}" for number in numbers)


def _k8s(*numbers: int) -> tuple[str, ...]:
    return tuple(f"CKV_K8S_{number}" for number in numbers)


BENCHMARKS: Final[dict[str, Twins]] = {
    "RES-023": Twins(gke=("5.1.4",), aks=("5.1.4",), ack=("6.1.4",)),
    "SEC-001": Twins(gke=("5.6.4",), aks=("5.4.2",), ack=("6.3.1", "6.3.2"),
                     scanners=("CKV_GCP_18", "CKV_GCP_25", "CKV_AZURE_115")),
    "SEC-002": Twins(scanners=_ali(1, 9)),
    "SEC-003": Twins(scanners=_ali(2, 3)),
    "SEC-004": Twins(gke=("5.3.1",), aks=("5.3.1",), ack=("6.2.1",), scanners=_ali(6)),
    "SEC-006": Twins(scanners=("CKV_AZURE_3",)),
    "SEC-007": Twins(scanners=_ali(20)),
    "SEC-009": Twins(gke=("5.6.5",), aks=("5.4.3",), ack=("6.3.3",), scanners=("CKV_GCP_64", "CKV_AZURE_143")),
    "SEC-010": Twins(gke=("5.6.3",), aks=("5.4.1",), scanners=("CKV_GCP_20", "CKV_AZURE_6")),
    "SEC-011": Twins(gke=("5.9.1", "5.9.2"), ack=("6.4.1",),
                     scanners=("CKV_AZURE_117", "CKV_AZURE_227", *_ali(7, 8, 32))),
    "SEC-012": Twins(gke=("4.3.1",), aks=("5.4.4",), ack=("5.3.1", "6.3.4"),
                     scanners=("CKV_GCP_12", "CKV_AZURE_7", "CKV_ALI_26")),
    "SEC-013": Twins(gke=("5.2.1", "5.2.2", "5.4.1"), aks=("5.2.1",), ack=("6.6.5",), scanners=("CKV_GCP_69",)),
    "SEC-014": Twins(gke=("5.8.1", "5.8.3"), aks=("5.5.1", "5.5.2"),
                     scanners=("CKV_GCP_7", "CKV_GCP_13", "CKV_AZURE_5", "CKV_AZURE_141")),
    "SEC-015": Twins(gke=("5.7.1",), ack=("6.5.1",), scanners=("CKV_GCP_1", "CKV_GCP_8")),
    "SEC-016": Twins(gke=("5.5.1", "5.5.2", "5.5.3", "5.5.4", "5.5.5", "5.5.6", "5.5.7"),
                     scanners=("CKV_GCP_9", "CKV_GCP_10", "CKV_GCP_22", "CKV_GCP_68", "CKV_GCP_71", "CKV_GCP_72",
                               "CKV_ALI_31")),
    "SEC-017": Twins(gke=("5.1.1",), ack=("6.1.1",)),
    "SEC-018": Twins(gke=("5.6.1", "5.6.2"), scanners=("CKV_GCP_23", "CKV_GCP_61")),
    "SEC-019": Twins(gke=("5.10.2",), scanners=("CKV2_GCP_19", "CKV_AZURE_8")),
    "SEC-020": Twins(gke=("4.6.3",), aks=("4.2.1", "4.2.2", "4.2.3", "4.2.4", "4.2.5", "4.6.2"),
                     ack=("5.2.1", "5.2.2", "5.2.3", "5.2.4", "5.2.5", "5.2.8", "5.6.3"),
                     scanners=_k8s(16, 17, 18, 19, 20, 25, 39)),
    "SEC-021": Twins(gke=("4.6.2", "4.6.3"), aks=("4.6.2",), ack=("5.2.6", "5.2.7", "5.2.9", "5.6.2", "5.6.3"),
                     scanners=_k8s(20, 23, 28, 29, 30, 31, 37)),
    "SEC-022": Twins(gke=("4.1.1", "4.1.2", "4.1.3", "4.1.6", "4.1.7", "4.1.8", "4.1.9", "4.1.10"),
                     aks=("4.1.1", "4.1.2", "4.1.3", "4.1.7", "4.1.9", "4.1.10", "4.1.11", "4.1.12"),
                     ack=("5.1.1", "5.1.2", "5.1.3"),
                     scanners=("CKV_K8S_49", "CKV_K8S_155", "CKV_K8S_156", "CKV_K8S_157", "CKV_K8S_158",
                               "CKV2_K8S_1", "CKV2_K8S_2", "CKV2_K8S_3", "CKV2_K8S_4", "CKV2_K8S_5")),
    "SEC-023": Twins(gke=("4.1.4", "4.1.5", "4.6.4"), aks=("4.1.5", "4.1.6", "4.6.3"),
                     ack=("5.1.5", "5.1.6", "5.6.4"), scanners=_k8s(21, 38, 41, 42)),
    "SEC-024": Twins(gke=("4.4.1",), aks=("4.5.1",), ack=("5.4.1",), scanners=("CKV_K8S_35",)),
    "SEC-025": Twins(gke=("4.2.1",)),
    "SEC-026": Twins(scanners=_ali(10)),
}  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class Aside:
    """What others ask for and no rule here does: the ids, what it is, why not."""

    ids: tuple[str, ...]
    about: str
    why: str


# A rule of a scanner that these rules turn round.
INVERTED: Final[dict[str, Aside]] = {
    "RES-005": Aside(
        ids=("CKV_ALI_11",),
        about="transfer acceleration of OSS buckets switched on",
        why="it leads uploads and downloads through access points all over the world, so that objects leave China on "
        "their way; here it must be off, and a finding of that scanner is to be waived",
    )
}
SKIPPED: Final[tuple[Aside, ...]] = (
    Aside(ids=("ACK 6.6.1", "CKV_GCP_24"), about="PodSecurityPolicy",
          why="Kubernetes took it out in 1.25; the namespaces' Pod Security is in its place (SEC-025)"),
    Aside(ids=("GKE 4.3.2", "AKS 4.4.2", "ACK 5.3.2", "CKV2_K8S_6"), about="a NetworkPolicy in every namespace",
          why="it is about a namespace with all that is in it, and these rules see one object at a time; parity asks "
          "it of a whole plan (network.default_deny)"),
    Aside(ids=("AKS 5.1.1", "CKV_GCP_66"), about="image scanning by Defender, binary authorization",
          why="they are switched on for a subscription or a project, outside a cell; images come from the world's "
          "own registry alone (RES-023)"),
    Aside(ids=("CKV_AZURE_4",), about="audit logs of AKS by its monitoring add-on",
          why="here a diagnostic setting takes them to a workspace of the region; parity asks whether it is there "
          "(audit.log)"),
    Aside(ids=("GKE 5.10.1",), about="the Kubernetes Web UI of GKE",
          why="GKE has it no more, and its provider no such property"),
    Aside(ids=("CKV_AZURE_171",), about="a channel by which AKS upgrades the cluster by itself",
          why="the Kubernetes minor is a line of the fleet, equal in all worlds; node images are renewed (SEC-016)"),
    Aside(ids=("GKE 5.8.2", "CKV_GCP_65"), about="Google groups as groups of Kubernetes",
          why="it needs a domain of Google's; each maison's group is bound by the name that the fleet gives it"),
    Aside(ids=("CKV_ALI_12", "CKV_ALI_25", "CKV_ALI_35", "CKV_ALI_36", "CKV_ALI_37"),
          about="access logs of buckets, SQL texts and connections of databases in a log",
          why="such logs hold names of objects and texts of queries, which is content; the cloud's audit trail and "
          "the flow logs are kept instead"),
    Aside(ids=("CKV_ALI_22",), about="TDE of an RDS instance",
          why="the disk of a PostgreSQL instance is encrypted with the cell's own key (SEC-004); one is enough"),
    Aside(ids=("CKV_ALI_27", "CKV_ALI_28"), about="rotation of keys",
          why="each key of a cell rotates on all three clouds, and parity asks it of a plan (keys.rotation)"),
    Aside(ids=("CKV2_AZURE_29",), about="Azure CNI", why="parity asks for an engine of network policies (SEC-012)"),
    Aside(ids=("GKE 4.4.2", "AKS 4.5.2", "ACK 5.4.2"), about="secrets kept outside the cluster",
          why="each cell has a secret store; whether a secret of a workload came from it is not in a plan"),
)  # fmt: skip
# Where the platform's own parts do what a rule refuses elsewhere.
EXCEPTIONS: Final[dict[str, str]] = {
    "SEC-016": "secure boot is not asked of an AKS pool with GPUs whose driver AKS installs (`gpuProfile.driver` absent"
    " or `Install`): that driver is not signed for it, and Azure's page on trusted launch says to leave it out with "
    "secure boot; nor of Windows, FIPS, Arm64, sandboxed or confidential pools, or those without a scale set, which "
    "cannot have it. A GPU pool of ours on AKS keeps vTPM, measured boot and the cloud's own image",
    "SEC-020": "in gpu-monitoring the DCGM exporter has SYS_ADMIN, which profiling counters need, and two folders of "
    "the kubelet are mounted; only the platform writes to that namespace",
    "SEC-021": "in gpu-monitoring the DCGM exporter and the device plugin run as root, as the kubelet's sockets demand",
    "SEC-025": "gpu-monitoring is the one namespace that lets in privileged pods",
}
