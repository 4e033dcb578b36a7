"""Digests: of the rows of a practice, and of a revision chained to the one before.

Both are SHA-256 over JSON in one fixed spelling (ASCII, no blanks, rows sorted), so that anybody can recompute them
with a standard library. The digest of a revision covers the digests of the practices it touched, so that altering
either a row or the history of a row shows. A revision without evidence is digested as it was before there was any.
"""

from __future__ import annotations

from collections.abc import Iterable
from hashlib import sha256

from service.asciijson import spelled
from service.decision.effect import Effect
from service.values import Evidence, Revision, Row

GENESIS = "0" * 64
"""What the first revision names as the digest before it."""


def rows_digest(rows: Iterable[Row]) -> str:
    """The digest of a set of rows, in whatever order they come."""
    # Sorted first, for most come in order; a set would shuffle them.
    return _digest(list(dict.fromkeys(sorted(rows))))


def revision_digest(revision: Revision) -> str:
    """The digest of a revision: of everything in it except its own `digest`."""
    evidence = {} if revision.evidence is None else {"evidence": evidence_as_json(revision.evidence)}
    return _digest(
        {
            "number": revision.number,
            "time": revision.time,
            "actor": revision.actor,
            "how": revision.how.value,
            "reason": revision.reason,
            "reference": revision.reference,
            "added": sorted(revision.added),
            "removed": sorted(revision.removed),
            "practices": sorted(revision.practices),
            "previous": revision.previous,
            **evidence,
        }
    )


def evidence_as_json(evidence: Evidence) -> dict[str, object]:
    """The evidence as it is digested and kept: its members in this order."""
    return {
        "effect": evidence.effect,
        "gained": evidence.gained,
        "lost": evidence.lost,
        "asked": evidence.asked,
        "of": evidence.of,
        "flags": list(evidence.flags),
    }


def effect_digest(effect: Effect) -> str:
    """The digest of an effect: of its flips as (practice, user, screen, action, gained), sorted."""
    return _digest(effect.flips)


def _digest(value: object) -> str:
    return sha256(spelled(value)).hexdigest()
