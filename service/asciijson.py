"""JSON in one spelling, for what is digested and for what is logged: ASCII, without blanks.

It is what the standard library writes, byte for byte, so that anybody can write it again. Where nothing has to be
escaped msgspec writes the same, more than ten times as fast; a test holds the two together.
"""

from __future__ import annotations

import json

import msgspec

_encode = msgspec.json.Encoder().encode


def spelled(value: object) -> bytes:
    """The JSON of texts, whole numbers, truth values, null, and of lists and objects of them."""
    try:
        quick = _encode(value)
    except (UnicodeEncodeError, TypeError):  # half of a surrogate pair, or a kind of text that is not plain
        quick = b"\\"
    if quick.isascii() and b"\\" not in quick and b"\x7f" not in quick:
        return quick
    return json.dumps(value, separators=(",", ":")).encode("ascii")
