"""The real Prometheus with what a cell tells it of the managed one: each form is taken, and a login without a
key is one indeed.
"""

from __future__ import annotations

import os
import subprocess
import threading
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import yaml

from components.clouds.pods import WRITES_TO
from components.observability import azure_writer, gcp_writer
from components.platform import metrics_write, prometheus
from components.spec.load import load_fleet
from rehearsal import tools
from tests.integration.loopback import free_port
from tests.integration.small import until

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

FLEET = Path(__file__).resolve().parents[2] / "stacks" / "fleets" / "rehearsal.yaml"
CLIENT, TENANT = "00000000-0000-4000-8000-000000000001", "00000000-0000-4000-8000-000000000002"
TOKEN = "a hushed word"
PATIENCE_S = 90.0
TARGETS: dict[str, dict[str, Any]] = {
    "cn-sha-1": {"url": "https://metrics.cn-shanghai-intranet.log.aliyuncs.com/api/v1/write", "enable_http2": False},
    "eu-ams-1": gcp_writer.target("twain-row", "europe-west4", "eu-ams-1"),
    "eu-par-1": azure_writer.target(
        "https://m-1.francecentral-1.metrics.ingest.monitor.azure.com", "dcr-1", CLIENT, TENANT
    ),
}


@dataclass
class Store:
    """A store of metrics and a metadata server on this machine, and who asked them for what."""

    writes: list[Mapping[str, str]] = field(default_factory=list)
    asked: list[str] = field(default_factory=list)
    port: int = 0


@contextmanager
def store() -> Iterator[Store]:
    found = Store()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            found.asked.append(self.path)
            body = f'{{"access_token": "{TOKEN}", "expires_in": 3600, "token_type": "Bearer"}}'.encode()
            self.send_response(200)
            self.send_header("Metadata-Flavor", "Google")
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def do_POST(self) -> None:
            self.rfile.read(int(self.headers["Content-Length"]))
            found.writes.append({key.lower(): value for key, value in self.headers.items()} | {"path": self.path})
            self.send_response(204)
            self.end_headers()

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - its name there
            return

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    found.port = server.server_port
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield found
    finally:
        server.shutdown()
        server.server_close()


def written(cell: str, folder: Path) -> dict[str, Any]:
    """What the platform tells the Prometheus of a cell, with the files that it names in `folder`."""
    (folder / "access-key-id").write_text("an-id")
    (folder / "access-key-secret").write_text("a-secret")
    (folder / "rules.yml").write_text(prometheus.rules())
    found = load_fleet(FLEET).resolved(cell)
    managed = metrics_write.Written(target=TARGETS[cell], keyed=WRITES_TO[found.cell.cloud].keyed)
    text = prometheus.configuration(found, managed)
    return yaml.safe_load(text.replace(metrics_write.WRITER_DIR, str(folder)).replace("/etc/prometheus/", f"{folder}/"))


@pytest.mark.parametrize("cell", TARGETS)
def test_what_a_cell_tells_prometheus_of_the_managed_one_is_a_configuration_to_it(cell: str, tmp_path: Path) -> None:
    config = tmp_path / "prometheus.yml"
    config.write_text(yaml.safe_dump(written(cell, tmp_path)))
    promtool = str(tools.ensure(["promtool"])["promtool"].path)
    done = subprocess.run([promtool, "check", "config", str(config)], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    # One letter more is none: what was asked above is more than whether it is YAML.
    config.write_text(config.read_text().replace("follow_redirects", "follow_redirectss"))
    done = subprocess.run([promtool, "check", "config", str(config)], capture_output=True, text=True, check=False)
    assert done.returncode != 0


@pytest.mark.parametrize(
    ("cell", "login"),
    [("eu-ams-1", f"Bearer {TOKEN}"), ("cn-sha-1", "Basic YW4taWQ6YS1zZWNyZXQ=")],
)
def test_prometheus_writes_with_the_login_of_its_cloud(cell: str, login: str, tmp_path: Path) -> None:
    found = load_fleet(FLEET).resolved(cell)
    managed = found.template.model_copy(
        update={"observability": found.template.observability.model_copy(update={"metrics": "managed"})}
    )
    features = metrics_write.arguments(found.model_copy(update={"template": managed}))
    with store() as told:
        port = free_port()
        settings = written(cell, tmp_path)
        (target,) = settings["remote_write"]
        path = f"/{target['url'].split('/', 3)[3]}"
        # What is not as in a cell: the store is this machine's, and Prometheus looks at itself instead of at pods.
        target["url"] = f"http://127.0.0.1:{told.port}{path}"
        settings["alerting"] = {}
        settings["scrape_configs"] = [{"job_name": "own", "static_configs": [{"targets": [f"127.0.0.1:{port}"]}]}]
        settings["global"] |= {"scrape_interval": "1s", "scrape_timeout": "1s"}
        config = tmp_path / "prometheus.yml"
        config.write_text(yaml.safe_dump(settings))
        command = [
            str(tools.ensure(["prometheus"])["prometheus"].path),
            f"--config.file={config}",
            f"--storage.tsdb.path={tmp_path / 'data'}",
            f"--web.listen-address=127.0.0.1:{port}",
            *features,
        ]
        # As on a node: there the metadata server has an address of its own.
        environment = {**os.environ, "GCE_METADATA_HOST": f"127.0.0.1:{told.port}"}
        quiet = subprocess.DEVNULL
        with subprocess.Popen(command, stdout=quiet, stderr=quiet, env=environment) as process:
            try:
                assert until(lambda: process.poll() is not None or bool(told.writes), PATIENCE_S)
            finally:
                process.terminate()
    assert {one["authorization"] for one in told.writes} == {login}
    assert {one["path"] for one in told.writes} == {path}
    assert any("/token" in one for one in told.asked) is (cell == "eu-ams-1")
    version = {one["x-prometheus-remote-write-version"].partition(".")[0] for one in told.writes}
    assert version == ({"2"} if cell == "eu-ams-1" else {"0"})
