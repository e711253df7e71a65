"""The emulated secret store: a certificate that verifies, made once, readable by its owner only."""

from __future__ import annotations

import ssl
from typing import TYPE_CHECKING

from rehearsal import secrets

if TYPE_CHECKING:
    from pathlib import Path


def test_the_gateways_certificate_verifies_against_the_cells_authority(tmp_path: Path) -> None:
    made = secrets.ensure(tmp_path, cell="cn-sha-1", gateway_addresses=["127.9.32.10"])
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server.load_cert_chain(tmp_path / "secrets" / "gateway.crt", tmp_path / "secrets" / "gateway.key")
    client = ssl.create_default_context(cafile=str(made.ca_file))
    for name, expected in (("127.9.32.10", True), ("127.9.32.11", False)):
        assert _handshake(client, server, name) is expected


def _handshake(client: ssl.SSLContext, server: ssl.SSLContext, name: str) -> bool:
    to_server, to_client = ssl.MemoryBIO(), ssl.MemoryBIO()
    near = client.wrap_bio(to_client, to_server, server_hostname=name)
    far = server.wrap_bio(to_server, to_client, server_side=True)
    done: set[object] = set()
    while len(done) < 2:
        for side in (near, far):
            try:
                side.do_handshake()
                done.add(side)
            except ssl.SSLWantReadError:
                continue
            except ssl.SSLCertVerificationError:
                return False
    return True


def test_a_second_call_changes_nothing_and_keys_are_private(tmp_path: Path) -> None:
    first = secrets.ensure(tmp_path, cell="c", gateway_addresses=[])
    before = {path: path.read_bytes() for path in (tmp_path / "secrets").iterdir()}
    assert secrets.ensure(tmp_path, cell="c", gateway_addresses=[]).keys == first.keys
    assert {path: path.read_bytes() for path in (tmp_path / "secrets").iterdir()} == before
    private = [path for path in (tmp_path / "secrets").iterdir() if path.suffix in {".key", ".json"}]
    assert private
    assert {path.stat().st_mode & 0o777 for path in private} == {0o600}
