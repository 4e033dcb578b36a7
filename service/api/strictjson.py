"""JSON read strictly: what two readers could take for two different things is refused (AuthZEN A-17, A-75).

There are two paths. The quick one, msgspec, may only say yes. Whatever it does not vouch for goes to the slow one,
the standard library's, which is the definition and has the words for every refusal. So all refusals come from one
reader, and a test holds the two together on what is read. Callers bound the size beforehand.
"""

from __future__ import annotations

import json
import math
import re

import msgspec

from service.errors import BadRequest

MAX_DEPTH = 32
"""How deep objects and arrays may stand in one another. A request of the standard needs three."""

_decode = msgspec.json.Decoder().decode
_encode = msgspec.json.Encoder().encode

# A string, or what would be one if it were closed: taking the rest of the body then keeps the search linear.
_STRING = re.compile(rb'"(?:[^"\\]|\\.)*+"?', re.DOTALL)
_OPENS = ord("{")
_ALIKE = bytes.maketrans(b"[]", b"{}")
_NO_BRACKETS = bytes(range(256)).translate(None, b"[]{}")


def read(body: bytes) -> object:
    """The value that the body holds. Raises `BadRequest`, and nothing else, when it holds none."""
    _bound_depth(body)
    value = None if b"\\" in body else read_quickly(body)
    return read_slowly(body) if value is None else value


def read_quickly(body: bytes) -> object:
    """The value, or None where this path does not vouch for it. The body has no backslash.

    So each quotation mark begins or ends a string, and the value written again has as many of them as the body,
    unless a member was dropped: msgspec keeps the last of two with one name, and does not say so.
    """
    try:
        value: object = _decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return None
    return value if _encode(value).count(b'"') == body.count(b'"') else None


def read_slowly(body: bytes) -> object:
    """The value, or `BadRequest` that says why there is none."""
    try:
        value: object = _DECODER.decode(body.decode("utf-8"))
        _encode(value)
    except UnicodeDecodeError as error:
        raise BadRequest(f"the body is not UTF-8 at byte {error.start}") from error
    except UnicodeEncodeError as error:
        raise BadRequest("the body has one half of a surrogate pair without the other") from error
    except json.JSONDecodeError as error:
        raise BadRequest(f"the body is not JSON at line {error.lineno}, column {error.colno}") from error
    except ValueError as error:  # Python's own bound on the digits of an integer
        raise BadRequest("the body has a number that is too long") from error
    return value


def _bound_depth(body: bytes) -> None:
    """Refuse deep nesting before anything recurses into it.

    INVARIANT: up to the first byte that is not JSON, both decoders and this count see the same strings, so that
    a bracket can hide from the count only where no decoder arrives.
    """
    if body.count(b"{") + body.count(b"[") <= MAX_DEPTH:
        return
    # Where nothing is escaped, quotation marks open and close strings in turn.
    outside = _STRING.sub(b"", body) if b"\\" in body else b"".join(body.split(b'"')[::2])
    brackets = outside.translate(_ALIKE, _NO_BRACKETS)
    left = brackets
    for _ in range(MAX_DEPTH):
        left = left.replace(b"{}", b"")  # takes away the innermost level of whatever is closed
        if not left:
            return
    depth = 0
    for bracket in brackets:
        depth += 1 if bracket == _OPENS else -1
        if depth > MAX_DEPTH:
            raise BadRequest(f"the body is nested more than {MAX_DEPTH} levels deep")


def _object_of(members: list[tuple[str, object]]) -> dict[str, object]:
    value = dict(members)
    if len(value) == len(members):
        return value
    seen: set[str] = set()
    twice = next(name for name, _ in members if name in seen or seen.add(name))  # type: ignore[func-returns-value] # None
    shown = twice.encode("ascii", "backslashreplace").decode()[:60]
    raise BadRequest(f"the member `{shown}` stands twice in one object")


def _finite(digits: str) -> float:
    value = float(digits)
    if math.isinf(value):
        raise BadRequest("the body has a number beyond what a double can hold")
    return value


def _refuse_constant(name: str) -> object:
    raise BadRequest(f"the body is not JSON: `{name}` is no value")


_DECODER = json.JSONDecoder(object_pairs_hook=_object_of, parse_float=_finite, parse_constant=_refuse_constant)
