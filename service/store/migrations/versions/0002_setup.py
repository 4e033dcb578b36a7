"""What Setup keeps: evidence and effects of changes, scopes of tokens, sessions, drafts, events, answered requests.

The way down gives up all of it, and is refused once a revision has evidence: its digest covers that, and the release
before could not verify it.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from service.errors import StoreUnavailable
from service.store import triggers

revision = "0002"
down_revision = "0001"

_TEXT = sa.Text().with_variant(postgresql.TEXT(collation="C"), "postgresql")
_DIGESTED = sa.text("SELECT count(*) FROM revision WHERE evidence IS NOT NULL")


def upgrade() -> None:
    op.add_column("revision", sa.Column("evidence", _TEXT))
    op.create_index("ix_revision_time", "revision", ["time", "number"])
    op.add_column("token", sa.Column("scopes", _TEXT, nullable=False, server_default="check"))
    _effects()
    _people()
    dialect = op.get_bind().dialect.name
    for statement in (
        *triggers.never_changed(dialect, "revision_effect"),
        *triggers.closed(dialect, "revision_effect"),
        *triggers.never_changed(dialect, "event"),
        *triggers.stands_already(dialect, "event", "number"),
    ):
        op.execute(statement)


def downgrade() -> None:
    if op.get_bind().scalar(_DIGESTED):
        raise StoreUnavailable(
            "the store has changes that an older release could not verify", "keep this release, or restore a backup"
        )
    for table in ("idempotency", "event", "draft", "session", "revision_effect"):
        op.drop_table(table)
    if op.get_bind().dialect.name == "postgresql":
        for function in ("revision_effect_closed", "event_closed"):
            op.execute(f"DROP FUNCTION {function}()")
    op.drop_column("token", "scopes")
    op.drop_index("ix_revision_time", "revision")
    op.drop_column("revision", "evidence")


def _effects() -> None:
    op.create_table(
        "revision_effect",
        sa.Column("number", sa.Integer(), nullable=False),
        *(sa.Column(name, _TEXT, nullable=False) for name in ("practice", "person", "screen")),
        sa.Column("gained", sa.Integer(), nullable=False),
        sa.Column("lost", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("number", "practice", "person", "screen", name="pk_revision_effect"),
        sa.ForeignKeyConstraint(
            ["number"], ["revision.number"], name="fk_revision_effect_number", deferrable=True, initially="DEFERRED"
        ),
    )
    op.create_index("ix_revision_effect_person", "revision_effect", ["practice", "person", "number"])
    op.create_index("ix_revision_effect_screen", "revision_effect", ["screen", "practice", "number"])
    # Of earlier revisions, whom they name is known from their rows; what each gained or lost is not worked out again.
    op.execute(
        "INSERT INTO revision_effect (number, practice, person, screen, gained, lost)"
        " SELECT number, v2, substr(v0, 6), '', 0, 0 FROM revision_row WHERE kind = 'g' AND substr(v0, 1, 5) = 'user:'"
        " UNION SELECT number, v0, v1, '', 0, 0 FROM revision_row WHERE kind = 'user'"
        " UNION SELECT number, v1, '', v2, 0, 0 FROM revision_row WHERE kind = 'p'"
        " UNION SELECT number, '', '', v2, 0, 0 FROM revision_row WHERE kind = 'g2'"
    )


def _people() -> None:
    op.create_table(
        "session",
        sa.Column("id_hash", _TEXT, nullable=False),
        sa.Column("person", _TEXT, nullable=False),
        sa.Column("name", _TEXT, nullable=False),
        sa.Column("practices", sa.JSON(), nullable=False),
        *(sa.Column(name, _TEXT, nullable=False) for name in ("created", "seen", "provider")),
        sa.PrimaryKeyConstraint("id_hash", name="pk_session"),
    )
    op.create_index("ix_session_person", "session", ["person"])
    op.create_table(
        "draft",
        *(sa.Column(name, _TEXT, nullable=False) for name in ("practice", "person")),
        sa.Column("base", sa.Integer(), nullable=False),
        *(sa.Column(name, _TEXT, nullable=False) for name in ("edits", "reason", "note", "reference", "updated")),
        sa.PrimaryKeyConstraint("practice", "person", name="pk_draft"),
    )
    op.create_table(
        "event",
        sa.Column("number", sa.Integer(), nullable=False),
        *(sa.Column(name, _TEXT, nullable=False) for name in ("time", "name", "actor", "practice")),
        sa.Column("details", sa.JSON(), nullable=False),
        sa.PrimaryKeyConstraint("number", name="pk_event"),
    )
    op.create_index("ix_event_practice", "event", ["practice", "number"])
    op.create_index("ix_event_actor", "event", ["actor", "number"])
    op.create_table(
        "idempotency",
        *(sa.Column(name, _TEXT, nullable=False) for name in ("token", "key", "request", "created")),
        *(sa.Column(name, sa.Integer(), nullable=False) for name in ("revision", "status")),
        sa.Column("body", _TEXT, nullable=False),
        sa.PrimaryKeyConstraint("token", "key", name="pk_idempotency"),
    )
    op.create_index("ix_idempotency_created", "idempotency", ["created"])
