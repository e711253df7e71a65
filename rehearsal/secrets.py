"""Plays a cell's secret store: certificates and keys that a real cell keeps outside Pulumi and syncs into its cluster.

One certificate authority per cell, made once and kept in the cell's folder (mode 0600). A second call changes nothing.
"""

from __future__ import annotations

import base64
import datetime
import ipaddress
import json
import os
import secrets
import subprocess
from dataclasses import dataclass
from typing import TYPE_CHECKING

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from components.platform import names

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

# A rehearsal lives for hours; a week leaves room for one that is brought up again.
_LIFETIME = datetime.timedelta(days=7)
_KEYS = ("light", "load", "operator")


@dataclass(frozen=True, kw_only=True)
class CellSecrets:
    """Files of a cell's secret store. `keys` maps the name of a gateway key to its value."""

    ca_file: Path
    gate_cert_file: Path
    gate_key_file: Path
    keys: dict[str, str]


def ensure(cell_dir: Path, *, cell: str, gateway_addresses: Sequence[str]) -> CellSecrets:
    """Make the certificates and keys of a cell if they are not there yet."""
    folder = cell_dir / "secrets"
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    marker = folder / "complete"
    if not marker.exists():
        _create(folder, cell=cell, gateway_addresses=gateway_addresses)
        marker.touch()
    return CellSecrets(
        ca_file=folder / "ca.crt",
        gate_cert_file=folder / "gate.crt",
        gate_key_file=folder / "gate.key",
        keys=json.loads((folder / "keys.json").read_text(encoding="utf-8")),
    )


def sync(cell_dir: Path, *, kubectl: Path, gate: bool) -> None:
    """Write the Secrets into the cell's cluster with the store's own right to do so. Needs the namespace to exist."""
    folder = cell_dir / "secrets"
    keys: dict[str, str] = json.loads((folder / "keys.json").read_text(encoding="utf-8"))
    objects = [
        _secret(names.GATEWAY_TLS_SECRET, _tls_data(folder, "gateway")),
        _secret(names.GATEWAY_KEYS_SECRET, {key: value.encode() for key, value in keys.items()}),
    ]
    if gate:
        objects.append(_secret(names.GATE_TLS_SECRET, _tls_data(folder, "gate")))
    document = json.dumps({"apiVersion": "v1", "kind": "List", "items": objects})
    subprocess.run(  # the document goes through stdin: an argument would show in the process list
        [
            str(kubectl),
            "--kubeconfig",
            str(cell_dir / "admin.kubeconfig"),
            "apply",
            "--server-side",
            "--field-manager=secret-store",
            "-f",
            "-",
        ],
        input=document.encode(),
        check=True,
        capture_output=True,
        timeout=30,
    )


def _create(folder: Path, *, cell: str, gateway_addresses: Sequence[str]) -> None:
    authority_key = ec.generate_private_key(ec.SECP256R1())
    authority = _certificate(f"{cell} rehearsal CA", authority_key, issuer=None, issuer_key=authority_key, addresses=())
    _write(folder / "ca.crt", authority.public_bytes(serialization.Encoding.PEM))
    for name, addresses in (("gateway", tuple(gateway_addresses)), ("gate", ("127.0.0.1",))):
        key = ec.generate_private_key(ec.SECP256R1())
        certificate = _certificate(name, key, issuer=authority, issuer_key=authority_key, addresses=addresses)
        _write(folder / f"{name}.crt", certificate.public_bytes(serialization.Encoding.PEM))
        _write(
            folder / f"{name}.key",
            key.private_bytes(
                serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
            ),
        )
    # The authority's own key is not kept: nothing can be signed later in its name.
    _write(folder / "keys.json", json.dumps({name: secrets.token_urlsafe(24) for name in _KEYS}).encode())


def _certificate(
    name: str,
    key: ec.EllipticCurvePrivateKey,
    *,
    issuer: x509.Certificate | None,
    issuer_key: ec.EllipticCurvePrivateKey,
    addresses: Sequence[str],
) -> x509.Certificate:
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    now = datetime.datetime.now(tz=datetime.UTC)
    builder = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer.subject if issuer else subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(minutes=5))
        .not_valid_after(now + _LIFETIME)
        .add_extension(
            x509.BasicConstraints(ca=issuer is None, path_length=0 if issuer is None else None), critical=True
        )
    )
    builder = builder.add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
    builder = builder.add_extension(
        x509.AuthorityKeyIdentifier.from_issuer_public_key(issuer_key.public_key()), critical=False
    )
    if issuer is None:
        builder = builder.add_extension(_usage(sign=True), critical=True)
    else:
        entries: list[x509.GeneralName] = [x509.DNSName(name), x509.DNSName(f"{name}.{names.SYSTEM_NAMESPACE}.svc")]
        entries += [x509.IPAddress(ipaddress.ip_address(address)) for address in addresses]
        builder = builder.add_extension(x509.SubjectAlternativeName(entries), critical=False)
        builder = builder.add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
        builder = builder.add_extension(_usage(sign=False), critical=True)
    return builder.sign(issuer_key, hashes.SHA256())


def _usage(*, sign: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=not sign,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=sign,
        crl_sign=sign,
        encipher_only=False,
        decipher_only=False,
    )


def _tls_data(folder: Path, name: str) -> dict[str, bytes]:
    return {
        "tls.crt": (folder / f"{name}.crt").read_bytes(),
        "tls.key": (folder / f"{name}.key").read_bytes(),
        "ca.crt": (folder / "ca.crt").read_bytes(),
    }


def _secret(name: str, data: dict[str, bytes]) -> dict[str, object]:
    return {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": {"name": name, "namespace": names.SYSTEM_NAMESPACE, "labels": {"twain/secret-store": "true"}},
        "type": "Opaque",
        "data": {key: base64.b64encode(value).decode() for key, value in data.items()},
    }


def _write(path: Path, content: bytes) -> None:
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "wb") as stream:
        stream.write(content)
