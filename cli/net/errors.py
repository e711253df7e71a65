"""What the HTTP client raises. Each says whether the request had left, because a write may then have happened."""

from __future__ import annotations


class HttpError(Exception):
    """Base of what the client raises. `sent`: a byte of the request had left, so a write may have happened."""

    def __init__(self, message: str, *, url: str, sent: bool = False) -> None:
        super().__init__(message)
        self.url = url
        self.sent = sent


class ConnectFailed(HttpError):  # noqa: N818 - named for what happened
    """No connection: refused, unreachable, no such name. Nothing was sent."""


class TlsFailed(ConnectFailed):
    """The peer's certificate was refused. Nothing was sent."""


class DeadlineExceeded(HttpError):  # noqa: N818 - named for what happened
    """The deadline passed."""


class ConnectionLost(HttpError):  # noqa: N818 - named for what happened
    """The peer closed or reset before the answer was whole."""


class TooLarge(HttpError):  # noqa: N818 - named for what happened
    """The body passed the cap."""


class BadAnswer(HttpError):  # noqa: N818 - named for what happened
    """What came back is not HTTP, or is encoded in a way that nobody asked for."""
