"""The root's verbs: one line of help and one place each. Nothing here imports anything, so the root help costs
nothing."""

from __future__ import annotations

# name -> ("module:attribute", help)
Entry = tuple[str, str]

SECTIONS: tuple[tuple[str, tuple[tuple[str, Entry], ...]], ...] = (
    (
        "Begin",
        (
            ("init", ("cli.commands.init:init", "Write a starter fleet and a starter workload into a folder.")),
            (
                "rehearse",
                ("cli.commands.rehearse:rehearse", "Run the whole system on this machine, without any cloud."),
            ),
            ("doctor", ("cli.commands.doctor:doctor", "Say what this machine and this context lack, and the fix.")),
        ),
    ),
    (
        "Cells",
        (
            ("world", ("cli.commands.world:world", "The jurisdictions of the fleet: regions, state, gate.")),
            ("cell", ("cli.commands.cell:cell", "The cells: one region on one cloud each.")),
            (
                "stack",
                ("cli.commands.stack:stack", "The Pulumi stacks behind the cells: preview, up, outputs, destroy."),
            ),
            ("check", ("cli.commands.check:check", "Whether the accounts have what the cells will need.")),
            (
                "store",
                ("cli.commands.store:store", "The databases and buckets of the cells: whether they can be restored."),
            ),
            ("gpu", ("cli.commands.gpu:gpu", "GPU classes: which machine gives one where, at what price.")),
            ("parity", ("cli.commands.parity:parity", "Whether the cells give the same guarantees.")),
            ("residency", ("cli.commands.residency:residency", "Whether anything would cross the border.")),
        ),
    ),
    (
        "Serving",
        (
            ("serve", ("cli.commands.serve:serve", "Inference workloads: plan, apply, list, get, delete.")),
            ("status", ("cli.commands.status:status", "One screen: worlds, cells, GPUs, workloads, Prometheus.")),
            ("top", ("cli.commands.top:top", "GPUs and how busy they are.")),
            ("metrics", ("cli.commands.metrics:metrics", "Latency against its SLO; GPU series.")),
        ),
    ),
    ("Money", (("cost", ("cli.commands.cost:cost", "What it cost, per region, in its own and in one currency.")),)),
    (
        "Setting",
        (
            ("evidence", ("cli.commands.evidence:evidence", "Signed evidence of what was judged, and its check.")),
            ("audit", ("cli.commands.audit:audit", "What was done from here, and whether the record is whole.")),
            ("context", ("cli.commands.context:context", "Who is operating: world, identity, gate tokens.")),
            ("schema", ("cli.commands.schema:schema", "The verb tree and the shape of every JSON answer.")),
            ("completion", ("cli.commands.completion:completion", "Tab completion for bash, zsh or fish.")),
            ("version", ("cli.commands.version:version", "The version of twain and of what it stands on.")),
        ),
    ),
)

TABLE: dict[str, Entry] = {name: entry for _, verbs in SECTIONS for name, entry in verbs}

_HEAD = """twain: one blueprint, two sovereign worlds.

  A fleet file describes mirrored GPU cells: China on Alibaba Cloud, the rest of the world on GCP and Azure.
  twain deploys inference into both worlds, says how it does, and what it costs. What it does not know it
  calls unknown, never zero.

usage: twain [--context NAME] NOUN [VERB] [OPTIONS]
"""

_TAIL = """
First steps
  twain rehearse up                     bring up three cells on this machine
  twain serve apply -f advisor.yaml     deploy a model into both worlds
  twain status                          see every cell on one screen
  twain metrics latency --since 15m     time to first token, per cell
  twain cost report                     the bill so far, per region

Every verb:  -o table|wide|json|yaml|jsonl|csv|name    --world cn|row|all    --cell NAME
Options:     --context NAME  act as this context       --version  print the version       -h, --help
Exit codes:  0 ok, 2 usage, 3 authentication, 4 failed, 5 policy, 10 differences, 13 partial, 16 outcome unknown;
             all of them: twain schema exit-codes
"""


def root_help() -> str:
    """The help of the root. `twain NOUN --help` says more."""
    lines = [_HEAD]
    for title, verbs in SECTIONS:
        lines.append(title)
        lines.extend(f"  {name:<12}{entry[1]}" for name, entry in verbs)
        lines.append("")
    return "\n".join(lines).rstrip("\n") + "\n" + _TAIL
