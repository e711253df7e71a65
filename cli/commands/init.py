"""`twain init`: a starter fleet and a starter workload."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from cli import errors
from cli.options import confirm_options, pass_app
from cli.verbs import Verb, VerbCommand

if TYPE_CHECKING:
    from cli.app import App

_FLEET = """\
# A fleet: two worlds, one template, and the cells made from it. Check it with: twain stack preview
apiVersion: twain/v1
kind: Fleet
metadata:
  name: {name}
spec:
  reporting_currency: EUR
  worlds:
    # Mainland China. cn-hongkong is not in it. State and its keys stay inside the world.
    cn:
      regions: [cn-shanghai, cn-beijing, cn-hangzhou]
      state:
        backend: "s3://CHANGE-ME-cn-state?region=cn-shanghai&endpoint=https://oss-cn-shanghai.aliyuncs.com"
        secrets_provider: passphrase
      registry: CHANGE-ME-registry-vpc.cn-shanghai.cr.aliyuncs.com/{name}
      access: api-proxy
      gate_cell: cn-sha-1
    # Everywhere else.
    row:
      regions: [europe-west4, francecentral, swedencentral]
      # The address of this bucket names no region: `twain check` asks whether it lies where location says.
      state: {{backend: "gs://CHANGE-ME-row-state", secrets_provider: passphrase, location: europe-west4}}
      registry: europe-west4-docker.pkg.dev/CHANGE-ME/{name}
      access: api-proxy
      gate_cell: eu-ams-1
  maisons:
    - name: aurelia
      rbac_group: aurelia-engineers
      gpu_quota: 8
      budget: {{amount: "20000.00", currency: EUR}}
  template:
    kubernetes_minor: "1.36"
    system_pool: {{size: cpu-4, min: 1, max: 3}}
    gpu_pools:
      - {{name: gpu80g, gpu_class: gpu-80g, gpus_per_node: 1, min: 0, max: 4}}
    bucket: {{versioning: true, noncurrent_days: 30}}
    observability: {{scrape_interval_s: 15, retention_hours: 360}}
    # CHANGE ME: alicloud sells its registry by the year and in advance. Only true lets a cell there be brought up.
    registry: {{prepaid_acknowledged: false}}
  cells:
    # Address ranges of all cells must not overlap.
    - {{name: cn-sha-1, world: cn, cloud: alicloud, region: cn-shanghai, cidr: 10.64.0.0/14}}
    - {{name: eu-ams-1, world: row, cloud: gcp, region: europe-west4, cidr: 10.68.0.0/14}}
    - {{name: eu-par-1, world: row, cloud: azure, region: francecentral, cidr: 10.72.0.0/14}}
"""

_WORKLOAD = """\
# An inference service, the same in both worlds. Check it with: twain serve plan -f workload.yaml
apiVersion: twain/v1
kind: Workload
metadata:
  name: advisor
  maison: aurelia
spec:
  worlds: [cn, row]
  model:
    name: Qwen/Qwen3-32B
    served_name: qwen3-32b
    license: Apache-2.0
    # Where the data behind the weights comes from: none, cn-personal, row-personal, unknown (the strictest).
    origin: none
    context_length: 32768
    weights:
      path: models/qwen3-32b
      # CHANGE ME: the digest of the weights in the registries of both worlds.
      digest: sha256:{zeros}
      size_gib: 61
  engine:
    name: vllm
    image: vllm-openai
    tag: v0.33.0
    # CHANGE ME: the digest of the image in the registries of both worlds.
    digest: sha256:{zeros}
    args: []
  gpu: {{gpu_class: gpu-80g, count: 1}}
  replicas: 2
  rollout: {{deadline_s: 1800, max_surge: 1, max_unavailable: 0, drain_s: 60}}
  slo:
    - {{metric: ttft, threshold_s: 1.0, objective: 0.95}}
"""


@click.command(
    cls=VerbCommand,
    verb=Verb(data_class="metadata", examples=("twain init", "twain init fleets --name prod"), mutates=True),
)
@click.argument("folder", default=".", required=False)
@click.option("--name", default="prod", show_default=True, help="The fleet's name, the first part of its stack names.")
@confirm_options
@pass_app
def init(app: App, *, folder: str, name: str, yes: bool, dry_run: bool) -> None:
    """Write a starter fleet and a starter workload into FOLDER. Never overwrites a file; so it does not ask."""
    del yes
    zeros = "0" * 64
    files = {
        Path(folder) / f"{name}.yaml": _FLEET.format(name=name),
        Path(folder) / "workload.yaml": _WORKLOAD.format(zeros=zeros),
    }
    there = [str(path) for path in files if path.exists()]
    if there:
        message = f"{', '.join(there)} exists and is left as it is."
        raise errors.UsageError(message, fix="choose another folder or --name", id="CFG-EXISTS")
    for path, content in files.items():
        app.console.note(f"{'would write' if dry_run else 'writing'} {path}")
        if not dry_run:
            _write(path, content)
    app.console.note("next: replace every CHANGE-ME, then: twain context add NAME --world row --fleet FILE")
    app.console.note("      to try twain without a cloud: twain rehearse up")


def _write(path: Path, content: str) -> None:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content, encoding="utf-8")
    except OSError as error:
        message = f"{path} cannot be written: {error.strerror}."
        raise errors.ResourceError(message, fix="choose a folder that you may write to", id="DSK-001") from error
