import json
from dataclasses import replace
from hashlib import sha256

import pytest

from service.audit.chain import GENESIS, revision_digest, rows_digest
from service.values import How, Revision, Row

ANN = Row("g", ("user:ann", "role:Desk", "riverside"))
BEN = Row("g", ("user:ben", "role:Desk", "riverside"))
FIRST = Revision(
    number=1,
    time="2026-01-02T03:04:05.000006Z",
    actor="user:ann",
    how=How.COMMAND,
    reason="new colleague",
    reference="",
    added=(ANN, BEN),
    removed=(),
    practices=(("", rows_digest([])), ("riverside", rows_digest([ANN, BEN]))),
    previous=GENESIS,
    digest="",
)


def test_rows_can_be_digested_by_anybody() -> None:
    """The digest of rows is SHA-256 over sorted JSON without blanks, as the reference says."""
    text = '[["g",["user:ann","role:Desk","riverside"]],["g",["user:ben","role:Desk","riverside"]]]'
    assert rows_digest([BEN, ANN, BEN]) == sha256(text.encode()).hexdigest()


def test_fields_do_not_run_together() -> None:
    """Rows whose fields would read alike when joined have different digests."""
    assert rows_digest([Row("g", ("a", "b,c"))]) != rows_digest([Row("g", ("a,b", "c"))])
    assert rows_digest([Row("g", ("a",)), Row("g", ("b",))]) != rows_digest([Row("g", ("a", "b"))])


def test_names_of_every_script_are_digested_apart() -> None:
    """Letters that look alike are different names, and a digest of any name is a digest."""
    assert rows_digest([Row("g", ("\u0430nn",))]) != rows_digest([Row("g", ("ann",))])
    assert len(rows_digest([Row("g", ("\U0001f600\ud800",))])) == 64


def test_order_within_a_revision_means_nothing() -> None:
    """Rows and practices of a revision are sets, so their order does not reach the digest."""
    turned = replace(FIRST, added=FIRST.added[::-1], practices=FIRST.practices[::-1])
    assert revision_digest(turned) == revision_digest(FIRST)


def test_a_digest_does_not_cover_itself() -> None:
    """The digest of a revision is computed before it is known."""
    assert revision_digest(replace(FIRST, digest="f" * 64)) == revision_digest(FIRST)


@pytest.mark.parametrize(
    "change",
    [
        {"number": 2},
        {"time": "2026-01-02T03:04:05.000007Z"},
        {"actor": "user:ben"},
        {"how": How.FILES},
        {"reason": ""},
        {"reference": "new colleague"},
        {"added": (ANN,)},
        {"removed": (BEN,)},
        {"added": (), "removed": (ANN, BEN)},
        {"practices": ()},
        {"previous": "1" + GENESIS[1:]},
    ],
    ids=" ".join,
)
def test_whatever_changes_shows(change: dict[str, object]) -> None:
    """Every field of a revision reaches its digest, so that no history can be altered unseen."""
    assert revision_digest(replace(FIRST, **change)) != revision_digest(FIRST)


def test_a_revision_can_be_digested_by_anybody() -> None:
    """The digest of a revision is SHA-256 over one JSON object without blanks, fields in the order shown."""
    names = ("number", "time", "actor", "how", "reason", "reference", "added", "removed", "practices", "previous")
    text = json.dumps({name: getattr(FIRST, name) for name in names}, separators=(",", ":"))
    assert revision_digest(FIRST) == sha256(text.encode()).hexdigest()
