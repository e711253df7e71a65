"""What a terminal may be shown: hostile characters taken out, widths counted as a terminal draws them."""

from __future__ import annotations

import re
import unicodedata

# C0 (with ESC), DEL and C1: C1 holds an eight-bit CSI, which many terminals obey.
_CONTROL = re.compile("[\x00-\x1f\x7f-\x9f]")
# A whole escape sequence goes at once, so that "\x1b[31mred" leaves "red" and not "[31mred".
_ESCAPE = re.compile(
    "(?:\x1b\\[|\x9b)[0-?]*[ -/]*[@-~]|(?:\x1b\\]|\x9d)[^\x07\x1b\x9c]*(?:\x07|\x1b\\\\|\x9c)?|\x1b[@-_]"
)
# Bidirectional controls can make a name read as another one; line and paragraph separators break rows.
_BIDI = re.compile("[\u061c\u200e\u200f\u2028\u2029\u202a-\u202e\u2066-\u2069]")
_INVISIBLE = re.compile("[\x7f-\x9f\u061c\u200e\u200f\u2028\u2029\u202a-\u202e\u2066-\u2069]")

_ASCII = str.maketrans(
    {
        "…": "...",
        "→": "->",
        "×": "x",
        "–": "-",
        "—": "-",
        "≤": "<=",
        "≥": ">=",
        "·": "-",
        "✓": "ok",
        "✗": "no",
        "“": '"',
    }
)


def clean(text: str) -> str:
    """The text as one line without control, escape and bidirectional characters."""
    if text.isascii() and text.isprintable():
        return text
    flat = text.replace("\r\n", " ").replace("\n", " ").replace("\t", " ").replace("\r", " ")
    return _BIDI.sub("", _CONTROL.sub("", _ESCAPE.sub("", flat)))


def clean_lines(text: str) -> str:
    """Like `clean`, but line breaks stay."""
    return "\n".join(clean(line) for line in text.splitlines())


def escape_invisible(json_text: str) -> str:
    """JSON text with the invisible characters that `json` leaves raw written as escapes: the data stays what it is."""
    return _INVISIBLE.sub(lambda match: f"\\u{ord(match.group()):04x}", json_text)


def has_bidi(text: str) -> bool:
    """Whether the text holds a bidirectional control."""
    return _BIDI.search(text) is not None


def width(text: str) -> int:
    """Columns that a terminal uses: two for wide East Asian characters, none for combining marks."""
    if text.isascii():
        return len(text)
    total = 0
    for char in text:
        if unicodedata.combining(char) or unicodedata.category(char) in {"Mn", "Me", "Cf"}:
            continue
        total += 2 if unicodedata.east_asian_width(char) in {"W", "F"} else 1
    return total


def pad(text: str, columns: int, *, right: bool = False) -> str:
    """The text filled with spaces to so many columns; `right` puts it at the right edge."""
    space = " " * max(0, columns - width(text))
    return space + text if right else text + space


def to_encoding(text: str, encoding: str) -> str:
    """The text in characters that the stream can take: an ASCII form where there is one, else an escape."""
    try:
        text.encode(encoding)
    except UnicodeEncodeError:
        return text.translate(_ASCII).encode(encoding, "backslashreplace").decode(encoding)
    except LookupError:
        return text.translate(_ASCII).encode("ascii", "backslashreplace").decode("ascii")
    return text


def counted(count: int, noun: str) -> str:
    """`1 cell`, `3 cells`."""
    return f"{count} {noun}" if count == 1 else f"{count} {noun}s"
