"""A strict, fast parser for the Prometheus text format (and the parts of OpenMetrics that servers send unasked).

What it refuses: a body that does not end in a newline (a cut body), anything that is not an exposition (an HTML login
page, a JSON error), malformed lines, bodies, labels or sample counts over the caps. An empty body is refused too:
empty is not zero.

Parsed series are remembered across scrapes by the text before the value, which is what makes repeated scrapes of the
same targets cheap: the labels of a known series are never parsed again.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field

MAX_BODY_BYTES = 64 * 1024 * 1024
MAX_SAMPLES = 5_000_000
MAX_LABEL_BYTES = 64 * 1024
_MEMO_LIMIT = 1_000_000

_NAME = re.compile(r"[a-zA-Z_:][a-zA-Z0-9_:]*")
_LABEL_NAME = re.compile(r"[a-zA-Z_][a-zA-Z0-9_]*")
_BLANK = re.compile(r"[ \t]*")
# The common shape, in one pass: every value free of backslashes and quotes. Anything else takes the careful path.
_PLAIN_PAIR = re.compile(r'([a-zA-Z_][a-zA-Z0-9_]*)="([^"\\\n]*)"(?:,|$)')
_ESCAPE = re.compile(r"\\(.)", re.DOTALL)
_ESCAPED = {"n": "\n", '"': '"', "\\": "\\"}


class BadExpositionError(ValueError):
    """The body is not a complete, well-formed exposition. `line` counts from 1; 0 means the body as a whole."""

    def __init__(self, message: str, line: int = 0) -> None:
        self.line = line
        super().__init__(f"line {line}: {message}" if line else message)


@dataclass(frozen=True, eq=False, slots=True)
class SeriesId:
    """A series: metric name and labels sorted by name. One parser hands out one object per series."""

    name: str
    labels: tuple[tuple[str, str], ...]

    def label(self, name: str, default: str = "") -> str:
        """The value of a label, or `default`."""
        for key, value in self.labels:
            if key == name:
                return value
        return default


@dataclass(slots=True)
class Exposition:
    """One parsed body. `values` may hold NaN and infinities; `timestamps` (seconds) only series that carried one.

    `duplicates` counts samples of a series seen before in the same body; the first one stands, as in Prometheus.
    """

    values: dict[SeriesId, float] = field(default_factory=dict)
    timestamps: dict[SeriesId, float] = field(default_factory=dict)
    types: dict[str, str] = field(default_factory=dict)
    duplicates: int = 0
    nans: int = 0


class Parser:
    """Parses bodies of the same targets again and again. Not safe for use from several threads at once."""

    def __init__(self) -> None:
        self._by_text: dict[str, SeriesId] = {}
        self._by_identity: dict[tuple[str, tuple[tuple[str, str], ...]], SeriesId] = {}

    def parse(self, body: str | bytes) -> Exposition:
        """Parse one body. Raises BadExpositionError; never returns part of a body."""
        text = _decoded(body)
        if len(self._by_text) > _MEMO_LIMIT:
            self._by_text.clear()
            self._by_identity.clear()
        result = Exposition()
        openmetrics = text.endswith("# EOF\n")
        lines = text.split("\n")
        lines.pop()
        if len(lines) > MAX_SAMPLES:
            message = f"more than {MAX_SAMPLES} lines"
            raise BadExpositionError(message)
        self._samples(lines, result, openmetrics=openmetrics)
        if not result.values and not result.types:
            message = "the body holds no sample and no metric family"
            raise BadExpositionError(message)
        return result

    def _samples(self, lines: list[str], result: Exposition, *, openmetrics: bool) -> None:
        values, known = result.values, self._by_text
        for number, line in enumerate(lines, 1):
            if not line or line[0] == "#":
                _comment(line, result)
                continue
            if openmetrics:
                line = _without_exemplar(line)  # noqa: PLW2901 - the exemplar is not part of the sample
            end = line.rfind("}") + 1
            if end == 0:
                end = _name_end(line)
            head = line[:end]
            series = known.get(head)
            if series is None:
                series = self._series(head, number)
            rest = line[end:]
            try:
                value = float(rest)
            except ValueError:
                value = _stamped(rest, series, result, number, openmetrics=openmetrics)
            else:
                if "_" in rest or not rest.isascii():
                    message = f"not a number: {rest.strip()!r}"
                    raise BadExpositionError(message, number)
            if series in values:
                result.duplicates += 1
                continue
            if value != value:  # noqa: PLR0124 - the cheapest test for NaN on the hot path
                result.nans += 1
            values[series] = value

    def _series(self, head: str, number: int) -> SeriesId:
        name, labels = _head(head, number)
        if not name:
            message = "a sample without a metric name"
            raise BadExpositionError(message, number)
        seen = {key for key, _ in labels}
        if len(seen) != len(labels):
            message = f"a label name occurs twice in {head[:200]!r}"
            raise BadExpositionError(message, number)
        identity = (name, tuple(sorted(labels)))
        series = self._by_identity.get(identity)
        if series is None:
            series = SeriesId(name, identity[1])
            self._by_identity[identity] = series
        self._by_text[head] = series
        return series


def parse(body: str | bytes) -> Exposition:
    """Parse one body with a parser of its own. For repeated scrapes keep a `Parser`."""
    return Parser().parse(body)


def _decoded(body: str | bytes) -> str:
    if len(body) > MAX_BODY_BYTES:
        message = f"the body is larger than {MAX_BODY_BYTES} bytes"
        raise BadExpositionError(message)
    if isinstance(body, bytes):
        try:
            body = body.decode("utf-8")
        except UnicodeDecodeError as error:
            message = f"not UTF-8: {error.reason} at byte {error.start}"
            raise BadExpositionError(message) from error
    if not body:
        message = "the body is empty"
        raise BadExpositionError(message)
    start = body[:200].lstrip().lower()
    if start.startswith(("<!doctype", "<html", "<?xml")):
        message = "an HTML page, not an exposition (a login page?)"
        raise BadExpositionError(message)
    if not body.endswith("\n"):
        message = "the body is cut: its last line has no newline"
        raise BadExpositionError(message)
    return body


def _comment(line: str, result: Exposition) -> None:
    if line.startswith("# TYPE "):
        parts = line.split()
        if len(parts) == 4:
            result.types.setdefault(parts[2], parts[3])


def _name_end(line: str) -> int:
    match = _NAME.match(line.lstrip(" \t"))
    if match is None:
        return 0
    return len(line) - len(line.lstrip(" \t")) + match.end()


def _without_exemplar(line: str) -> str:
    """The sample without its exemplar. ` # {` inside a quoted label value is part of the value."""
    quoted, escaped = False, False
    for index, char in enumerate(line):
        if escaped:
            escaped = False
        elif char == "\\" and quoted:
            escaped = True
        elif char == '"':
            quoted = not quoted
        elif char == "#" and not quoted:
            return line[:index].rstrip()
    return line


def _stamped(rest: str, series: SeriesId, result: Exposition, number: int, *, openmetrics: bool) -> float:
    """The value of a sample that carries a timestamp: milliseconds in the text format, seconds in OpenMetrics."""
    parts = rest.split()
    if len(parts) == 2 and "_" not in rest and rest.isascii():
        try:
            value = float(parts[0])
            stamp = float(parts[1]) if openmetrics else int(parts[1]) / 1000
        except ValueError:
            pass
        else:
            if series not in result.values:
                result.timestamps[series] = stamp
            return value
    message = f"expected a number and at most a timestamp, found {rest.strip()[:100]!r}"
    raise BadExpositionError(message, number)


def _head(head: str, number: int) -> tuple[str, list[tuple[str, str]]]:
    brace = head.find("{")
    if brace < 0:
        name = head.strip(" \t")
        if _NAME.fullmatch(name) is None:
            message = f"not a metric name: {name[:100]!r}"
            raise BadExpositionError(message, number)
        return name, []
    name, inside = head[:brace].strip(" \t"), head[brace + 1 : -1]
    if len(inside) > MAX_LABEL_BYTES:
        message = f"labels longer than {MAX_LABEL_BYTES} bytes"
        raise BadExpositionError(message, number)
    if name and _NAME.fullmatch(name) is None:
        message = f"not a metric name: {name[:100]!r}"
        raise BadExpositionError(message, number)
    if name:
        pairs, at = [], 0
        while match := _PLAIN_PAIR.match(inside, at):
            pairs.append((match[1], match[2]))
            at = match.end()
        if at == len(inside):
            return name, pairs
    return _careful(name, inside, number)


def _careful(name: str, inside: str, number: int) -> tuple[str, list[tuple[str, str]]]:
    """Labels with escapes, blanks, quoted names, a trailing comma: one token after the other."""
    pairs: list[tuple[str, str]] = []
    at = _blank(inside, 0)
    while at < len(inside):
        if inside[at] == '"':
            key, at = _quoted(inside, at, number)
            at = _blank(inside, at)
            if not name and not pairs and inside[at : at + 1] in {",", ""}:
                name = key
                at = _separator(inside, at, number)
                continue
        else:
            match = _LABEL_NAME.match(inside, at)
            if match is None:
                message = f"not a label name at {inside[at : at + 40]!r}"
                raise BadExpositionError(message, number)
            key, at = match[0], _blank(inside, match.end())
        if inside[at : at + 1] != "=":
            message = f"no '=' after the label {key[:100]!r}"
            raise BadExpositionError(message, number)
        at = _blank(inside, at + 1)
        if inside[at : at + 1] != '"':
            message = f"the value of the label {key[:100]!r} is not quoted"
            raise BadExpositionError(message, number)
        value, at = _quoted(inside, at, number)
        pairs.append((key, value))
        at = _separator(inside, _blank(inside, at), number)
    return name, pairs


def _blank(text: str, at: int) -> int:
    match = _BLANK.match(text, at)
    return match.end() if match else at


def _separator(text: str, at: int, number: int) -> int:
    if at == len(text):
        return at
    if text[at] != ",":
        message = f"expected ',' or '}}', found {text[at : at + 40]!r}"
        raise BadExpositionError(message, number)
    return _blank(text, at + 1)


def _quoted(text: str, at: int, number: int) -> tuple[str, int]:
    """The quoted string that starts at `at`, unescaped, and the place after it."""
    end = at + 1
    while end < len(text):
        if text[end] == "\\":
            end += 2
            continue
        if text[end] == '"':
            raw = text[at + 1 : end]
            # An unknown escape keeps its backslash, as in Prometheus' own clients.
            return _ESCAPE.sub(lambda match: _ESCAPED.get(match[1], match[0]), raw), end + 1
        end += 1
    message = "a quoted string does not end"
    raise BadExpositionError(message, number)
