"""`twain status`: one screen over all worlds."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from cli import status_screen
from cli.options import Scope, pass_app, read_options, watch_option
from cli.verbs import Kind, Verb, VerbCommand

if TYPE_CHECKING:
    from cli.app import App
    from cli.output import Format

CELLS = Kind(
    name=status_screen.KIND,
    item={
        "world": "cn|row",
        "cell": "string",
        "cloud": "alicloud|gcp|azure",
        "region": "string",
        "via": "direct|gate",
        "api": "up|unreachable|not up|unknown",
        "kubernetes": "string|null",
        "nodes": {"ready": "integer", "total": "integer"},
        "gpus": {"present": "integer", "wanted": "integer|null", "max": "integer"},
        "workloads": {"ready": "integer", "desired": "integer", "count": "integer"},
        "prometheus": {
            "state": "up|unknown",
            "sampleAge": "seconds|null",
            "targetsUp": "integer|null",
            "targetsDown": "integer|null",
        },
        "reasons": ["string"],
    },
)


@click.command(
    cls=VerbCommand,
    verb=Verb(
        data_class="metrics",
        kind=CELLS,
        examples=("twain status", "twain status --world cn -o json", "twain status --watch 5s"),
    ),
)
@watch_option
@read_options
@pass_app
def status(app: App, *, watch: float | None, scope: Scope, output: Format, timeout: float) -> None:
    """Worlds and cells: API server, nodes, GPUs, workloads, and how old the newest sample of Prometheus is.

    All cells are asked at once; one that is silent costs no more than the deadline, reads `unreachable` or `unknown`
    with its reason, never zero, and ends the command with 13.
    """
    status_screen.show(app, watch=watch, scope=scope, output=output, timeout_s=timeout)
