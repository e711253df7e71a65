"""The real Alertmanager with the platform's own configuration, told by an alert, telling a real receiver."""

from __future__ import annotations

import json
import subprocess
import threading
import urllib.error
import urllib.request
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import yaml

from components.platform import alertmanager, prometheus
from components.spec.load import load_fleet
from components.spec.model import Receiver, RemoteWrite
from rehearsal import tools
from rehearsal.agent import promconfig
from tests.integration.loopback import free_port
from tests.integration.small import until

if TYPE_CHECKING:
    from collections.abc import Iterator

FLEET = Path(__file__).resolve().parents[2] / "stacks" / "fleets" / "rehearsal.yaml"
TOKEN = "a hushed word"
PATIENCE_S = 60.0


class Told:
    """A receiver on this machine, and what it was told."""

    def __init__(self) -> None:
        self.calls: list[tuple[str, dict[str, Any]]] = []
        told = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                told.calls.append((self.headers.get("Authorization", ""), body))
                self.send_response(200)
                self.end_headers()

            def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - its name there
                return

        self.server = HTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}/alerts"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()


@pytest.fixture
def told() -> Iterator[Told]:
    found = Told()
    try:
        yield found
    finally:
        found.server.shutdown()
        found.server.server_close()


def ready(base: str) -> bool:
    try:
        with urllib.request.urlopen(f"{base}/-/ready", timeout=5) as answer:
            return answer.status == 200
    except (urllib.error.URLError, OSError):
        return False


def test_a_page_reaches_the_receiver_of_pages_with_its_token_and_a_ticket_does_not(told: Told, tmp_path: Path) -> None:
    receiver = Receiver(name="desk", url=told.url, severities=("page",), token=True)
    world = load_fleet(FLEET).worlds["row"].model_copy(update={"alerts": (receiver,)})
    mounts = ["/etc/alertmanager", "/etc/alertmanager-receivers"]
    for mount in mounts:
        (tmp_path / mount.lstrip("/")).mkdir(parents=True)
    (tmp_path / "etc/alertmanager-receivers/desk").write_text(TOKEN)
    written = tmp_path / "etc/alertmanager/alertmanager.yml"
    settings = yaml.safe_load(alertmanager.configuration(world))
    # The one thing that is not as in a cell: nobody waits half a minute for a group to gather here.
    settings["route"]["group_wait"] = "0s"
    written.write_text(yaml.safe_dump(settings))
    config = promconfig.localise(written, root=tmp_path, mounts=mounts, server="https://127.0.0.1:1")
    port = free_port()
    base = f"http://127.0.0.1:{port}"
    command = [
        str(tools.ensure(["alertmanager"])["alertmanager"].path),
        f"--config.file={config}",
        f"--storage.path={tmp_path / 'data'}",
        f"--web.listen-address=127.0.0.1:{port}",
        "--cluster.listen-address=",
    ]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
        try:
            assert until(lambda: process.poll() is not None or ready(base), PATIENCE_S)
            alerts = [
                {"labels": {"alertname": name, "severity": severity, "cell": "eu-ams-1"}}
                for name, severity in (("TargetDown", "ticket"), ("EngineQueueGrows", "page"))
            ]
            request = urllib.request.Request(
                f"{base}/api/v2/alerts",
                data=json.dumps(alerts).encode(),
                headers={"Content-Type": "application/json"},
                method="POST",
            )
            with urllib.request.urlopen(request, timeout=10) as answer:
                assert answer.status == 200
            assert until(lambda: bool(told.calls), PATIENCE_S)
            with urllib.request.urlopen(f"{base}/api/v2/alerts", timeout=10) as answer:
                shown = {one["labels"]["alertname"]: one["receivers"] for one in json.load(answer)}
        finally:
            process.terminate()
    assert shown == {"TargetDown": [{"name": "nobody"}], "EngineQueueGrows": [{"name": "desk"}]}
    assert {header for header, _ in told.calls} == {f"Bearer {TOKEN}"}
    names = {alert["labels"]["alertname"] for _, body in told.calls for alert in body["alerts"]}
    assert names == {"EngineQueueGrows"}


@pytest.mark.parametrize("cell", ["cn-sha-1", "eu-ams-1", "eu-par-1"])
def test_the_configuration_of_prometheus_is_one_to_prometheus_itself(cell: str, tmp_path: Path) -> None:
    (tmp_path / "token").write_text("")
    (tmp_path / "rules.yml").write_text(prometheus.rules())
    found = load_fleet(FLEET).resolved(cell)
    # With everything that a fleet may ask of it.
    store = RemoteWrite(url="https://store.internal/api/v1/write", token=True)
    world = found.world.model_copy(update={"remote_write": store})
    text = prometheus.configuration(found.model_copy(update={"world": world}))
    (tmp_path / "prometheus.yml").write_text(
        text.replace("/etc/prometheus/", "").replace("/etc/prometheus-remote-write/", "")
    )
    promtool = tools.ensure(["promtool"])["promtool"].path
    done = subprocess.run(
        [str(promtool), "check", "config", str(tmp_path / "prometheus.yml")],
        capture_output=True, text=True, check=False, timeout=60,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
