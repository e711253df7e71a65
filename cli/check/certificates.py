"""Certificates out of what the clouds answer."""

from __future__ import annotations

import base64

import yaml


def certificate(kubeconfig: str) -> str:
    """The CA of a kubeconfig's first cluster as PEM; whatever else is in it is dropped here. Raises ValueError."""
    document = yaml.safe_load(kubeconfig)
    data = document["clusters"][0]["cluster"]["certificate-authority-data"]
    return pem(data)


def pem(data: str) -> str:
    """PEM out of base64. Raises ValueError where that is no certificate."""
    text = base64.b64decode(data, validate=True).decode()
    if "-----BEGIN CERTIFICATE-----" not in text:
        message = "the cloud's answer holds no certificate"
        raise ValueError(message)
    return text
