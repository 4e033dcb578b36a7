"""From one release to the next and back."""

import pytest
from sqlalchemy import Engine

from service.audit.chain import revision_digest
from service.errors import StoreUnavailable
from service.store import migrate
from service.store.sql import Store
from service.values import Evidence
from tests.contract.store.builders import draft, practice, publish, row


def go_down(by_hand: Engine) -> None:
    """Take a store back to the schema of release 0.1.0."""
    with by_hand.begin() as connection:
        migrate.downgrade(connection, "0001")


def test_down_and_up_again(store: Store, url: str, by_hand: Engine) -> None:
    """A store without evidence goes back to the release before and comes up again with the same revisions.

    Whom they name is known afterwards, too; tokens are good for checks.
    """
    rows = [practice(), row("g, user:ann, role:Nurse, riverside"), row("p, role:Nurse, riverside, Task - Orders, Read")]
    revision = publish(store, add=rows)
    go_down(by_hand)
    with pytest.raises(StoreUnavailable, match="0001"):
        Store.open(url)
    again = Store.open(url, create=True)
    with again.reading() as view:
        assert view.revisions() == (revision,)
        assert revision_digest(revision) == revision.digest
        assert [len(view.changes(**{by: "ann"})) for by in ("person", "screen")] == [1, 0]  # type: ignore[arg-type]
        assert len(view.changes(screen="Task - Orders", practice="riverside")) == 1
    again.close()


def test_evidence_is_not_given_up(store: Store, by_hand: Engine) -> None:
    """Once a digest covers evidence, there is no way down: the release before could not verify it."""
    store.commit(draft(store, [practice()], evidence=Evidence("", 0, 0, 0, 0)), {})
    with pytest.raises(StoreUnavailable, match="could not verify"):
        go_down(by_hand)
    with store.reading() as view:
        assert view.head().number == 1
