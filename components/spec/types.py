"""The vocabulary of the spec: small named types that say what a value may be."""

from __future__ import annotations

import ipaddress
import re
from decimal import Decimal, InvalidOperation
from typing import Annotated

from pydantic import AfterValidator, BeforeValidator, Field, StringConstraints

# 20 characters leave room for the fleet name, a purpose and a hash within the shortest limit we meet (a storage
# account: 24 characters).
_PRIVATE = tuple(map(ipaddress.IPv4Network, ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16")))
_NAME = re.compile(r"^[a-z]([a-z0-9-]{0,18}[a-z0-9])?$")
_POOL = re.compile(r"^[a-z][a-z0-9]{0,11}$")
_DIGEST = re.compile(r"^sha256:[0-9a-f]{64}$")
_MINOR = re.compile(r"^1\.(3[3-6])$")
_CURRENCY = re.compile(r"^[A-Z]{3}$")
# As their clouds have them; empty where the cell takes what the environment says.
_PROJECT = re.compile(r"^([a-z][a-z0-9-]{4,28}[a-z0-9])?$")
_SUBSCRIPTION = re.compile(r"^([0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12})?$")
# Every identity of a cluster is in `system:authenticated`, and `system:masters` is bound by nobody and may do anything.
_GROUP = re.compile(r"^(?!system:(?!serviceaccounts:[a-z0-9]))[A-Za-z0-9][A-Za-z0-9:@._-]{0,127}$")


def _matches(pattern: re.Pattern[str], rule: str) -> AfterValidator:
    def check(value: str) -> str:
        if not pattern.fullmatch(value):
            raise ValueError(rule)
        return value

    return AfterValidator(check)


def _private_network(value: str) -> str:
    try:
        network = ipaddress.IPv4Network(value)
    except ValueError as error:
        message = f"must be an IPv4 network such as 10.64.0.0/14: {error}"
        raise ValueError(message) from error
    if not any(network.subnet_of(private) for private in _PRIVATE):
        message = "must lie in a private range (RFC 1918)"
        raise ValueError(message)
    if network.prefixlen > 18:
        message = "must be /18 or larger: nodes, pods and services of a cell are cut from it"
        raise ValueError(message)
    return str(network)


def _decimal(value: object) -> Decimal:
    # A YAML float has already lost its digits; money is written in quotes.
    if not isinstance(value, str | int | Decimal) or isinstance(value, bool):
        message = 'must be a quoted decimal such as "20000.00": a float cannot hold money'
        raise ValueError(message)  # noqa: TRY004 - pydantic reports a ValueError, a TypeError would escape it
    try:
        amount = Decimal(value)
    except InvalidOperation as error:
        message = "must be a decimal number"
        raise ValueError(message) from error
    if not amount.is_finite() or amount <= 0:
        message = "must be above zero"
        raise ValueError(message)
    return amount


def _each_once(values: tuple[str, ...]) -> tuple[str, ...]:
    twice = sorted({value for value in values if values.count(value) > 1})
    if twice:
        message = f"names {', '.join(twice)} twice"
        raise ValueError(message)
    return values


def _one_or_more(values: tuple[str, ...]) -> tuple[str, ...]:
    if not values:
        message = "must name one or more, or be left out"
        raise ValueError(message)
    return values


Name = Annotated[
    str, _matches(_NAME, "must be 1 to 20 lower-case letters, digits or '-', begin with a letter, not end with '-'")
]
PoolName = Annotated[
    str, _matches(_POOL, "must be 1 to 12 lower-case letters or digits and begin with a letter (the limit of AKS)")
]
Digest = Annotated[str, _matches(_DIGEST, "must be sha256: and 64 hexadecimal digits")]
KubernetesMinor = Annotated[str, _matches(_MINOR, "must be one of 1.33, 1.34, 1.35, 1.36, in quotes")]
Currency = Annotated[str, _matches(_CURRENCY, "must be an ISO 4217 code of three capital letters")]
Project = Annotated[str, _matches(_PROJECT, "must be a project id: 6 to 30 lower-case letters, digits or '-'")]
Subscription = Annotated[str, _matches(_SUBSCRIPTION, "must be a subscription id: a UUID in lower case")]
EachOnce = AfterValidator(_each_once)
OneOrMore = AfterValidator(_one_or_more)
GroupName = Annotated[
    str,
    _matches(
        _GROUP, "must be an RBAC group name of letters, digits and : @ . _ -, and none of Kubernetes' own (system:…)"
    ),
]
Cidr = Annotated[str, AfterValidator(_private_network)]
Amount = Annotated[Decimal, BeforeValidator(_decimal)]
Region = Annotated[str, Field(min_length=2, max_length=40, pattern=r"^[a-z0-9-]+$")]
Count = Annotated[int, Field(ge=0, le=1000, strict=True)]
Positive = Annotated[int, Field(ge=1, le=1000, strict=True)]
# Who answers for something, and why it is so: words, not blanks.
Owner = Annotated[str, StringConstraints(strip_whitespace=True, min_length=2, max_length=128)]
Reason = Annotated[str, StringConstraints(strip_whitespace=True, min_length=10, max_length=1000)]
