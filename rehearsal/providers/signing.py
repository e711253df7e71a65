"""What the emulated key services refuse about keys that sign, as their APIs do."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rehearsal.providers.sdktypes import Problem

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rehearsal.providers.model import Call

PAIRS = ("RSA_2048", "RSA_3072", "EC_P256", "EC_P256K", "EC_SM2")
_GCP = {
    "ENCRYPT_DECRYPT": ("GOOGLE_SYMMETRIC_ENCRYPTION",),
    "ASYMMETRIC_SIGN": ("EC_SIGN_", "RSA_SIGN_"),
    "ASYMMETRIC_DECRYPT": ("RSA_DECRYPT_",),
    "MAC": ("HMAC_",),
}
_AZURE = frozenset({"sign", "verify"})
_CURVES = ("P-256", "P-256K", "P-384", "P-521")


def alicloud(call: Call) -> Iterator[Problem]:
    """Outside of an instance there are symmetric keys only, and a pair of keys is never rotated by the service."""
    spec, usage = call.known("keySpec"), call.known("keyUsage") or "ENCRYPT/DECRYPT"
    pair = spec in PAIRS
    if pair and call.get("dkmsInstanceId") is None:
        yield Problem("keySpec", f"{spec} is made in a KMS instance only; a default key is Aliyun_AES_256")
    if usage == "SIGN/VERIFY" and not pair:
        yield Problem("keyUsage", f"{spec or 'Aliyun_AES_256'} cannot sign")
    if pair and str(spec).startswith("EC_P") and usage != "SIGN/VERIFY":
        yield Problem("keyUsage", f"{spec} signs and does nothing else")
    if pair and call.known("automaticRotation") == "Enabled":
        yield Problem("automaticRotation", f"{spec} is not rotated by the service")


def gcp(call: Call) -> Iterator[Problem]:
    """The purpose decides which algorithms there are, and what is rotated."""
    purpose = call.known("purpose") or "ENCRYPT_DECRYPT"
    algorithm = call.known("versionTemplate.algorithm")
    known = _GCP.get(str(purpose), ())
    if isinstance(algorithm, str) and not algorithm.startswith(known):
        yield Problem("versionTemplate.algorithm", f"{algorithm} is none of purpose {purpose}")
    if purpose == "ASYMMETRIC_SIGN" and algorithm is None:
        yield Problem("versionTemplate.algorithm", "is required by the API for keys that sign")
    if purpose != "ENCRYPT_DECRYPT" and call.get("rotationPeriod") is not None:
        yield Problem("rotationPeriod", f"keys of purpose {purpose} are not rotated by the service")


def azure(call: Call) -> Iterator[Problem]:
    """A key on a curve signs and does nothing else."""
    kind, curve = call.known("properties.kty"), call.known("properties.curveName")
    allowed = call.known("properties.keyOps")
    if kind in {"EC", "EC-HSM"}:
        if curve is not None and curve not in _CURVES:
            yield Problem("properties.curveName", f"{curve!r} is none of {', '.join(_CURVES)}")
        extra = sorted(set(allowed) - _AZURE) if isinstance(allowed, list) else []
        if extra:
            yield Problem("properties.keyOps", f"{', '.join(extra)}: a key on a curve takes sign and verify")
    elif curve is not None:
        yield Problem("properties.curveName", f"a key of kind {kind} has no curve")
