"""The store begins: current rows, revisions with their head, tokens, and what the host remembers.

A migration is never edited once released; `service/store/tables.py` says why the tables are as they are.
"""

from __future__ import annotations

from collections.abc import Iterable

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from service.audit.chain import GENESIS
from service.store import triggers

revision = "0001"
down_revision = None

_FIELDS = ("v0", "v1", "v2", "v3", "v4", "v5")
_TEXT = sa.Text().with_variant(postgresql.TEXT(collation="C"), "postgresql")
_FIELD = sa.String(255).with_variant(postgresql.VARCHAR(255, collation="C"), "postgresql")


def upgrade() -> None:
    _current_rows()
    _revisions()
    _host()
    for statement in _triggers(op.get_bind().dialect.name):
        op.execute(statement)


def _current_rows() -> None:
    op.create_table(
        "practice",
        sa.Column("id", _TEXT, nullable=False),
        sa.Column("name", _TEXT, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_practice"),
    )
    op.create_table(
        "directory_user",
        sa.Column("practice", _TEXT, nullable=False),
        sa.Column("id", _TEXT, nullable=False),
        sa.Column("name", _TEXT, nullable=False),
        sa.Column("state", _TEXT, nullable=False),
        sa.PrimaryKeyConstraint("practice", "id", name="pk_directory_user"),
        _foreign_key("directory_user", "practice", "practice.id"),
        sa.CheckConstraint("state IN ('active', 'inactive')", name=op.f("ck_directory_user_state")),
    )
    op.create_table(
        "role",
        sa.Column("practice", _TEXT, nullable=False),
        sa.Column("name", _TEXT, nullable=False),
        sa.PrimaryKeyConstraint("practice", "name", name="pk_role"),
        _foreign_key("role", "practice", "practice.id"),
    )
    op.create_table(
        "casbin_rule",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("ptype", _FIELD, nullable=False),
        *(sa.Column(name, _FIELD) for name in _FIELDS),
        sa.PrimaryKeyConstraint("id", name="pk_casbin_rule"),
    )
    _unique_where("ptype = 'p'", "uq_casbin_rule_p", "casbin_rule", ["v1", "v0", "v2", "v3"])
    _unique_where("ptype = 'g'", "uq_casbin_rule_g", "casbin_rule", ["v2", "v0", "v1"])
    _unique_where("ptype = 'g2'", "uq_casbin_rule_g2", "casbin_rule", ["v2", "v0", "v1"])
    op.create_table(
        "file_text",
        sa.Column("sha256", _TEXT, nullable=False),
        sa.Column("text", _TEXT, nullable=False),
        sa.PrimaryKeyConstraint("sha256", name="pk_file_text"),
    )
    op.create_table(
        "policy_file",
        sa.Column("path", _TEXT, nullable=False),
        sa.Column("sha256", _TEXT, nullable=False),
        sa.PrimaryKeyConstraint("path", name="pk_policy_file"),
        _foreign_key("policy_file", "sha256", "file_text.sha256"),
    )


def _revisions() -> None:
    op.create_table(
        "revision",
        sa.Column("number", sa.Integer(), autoincrement=False, nullable=False),
        *(
            sa.Column(name, _TEXT, nullable=False)
            for name in ("time", "actor", "how", "reason", "reference", "previous", "digest")
        ),
        sa.PrimaryKeyConstraint("number", name="pk_revision"),
        sa.UniqueConstraint("previous", name="uq_revision_previous"),
        sa.CheckConstraint("number > 0", name=op.f("ck_revision_number")),
    )
    op.create_table(
        "revision_row",
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("seq", sa.Integer(), nullable=False),
        sa.Column("added", sa.Boolean(), nullable=False),
        sa.Column("kind", _TEXT, nullable=False),
        *(sa.Column(name, _TEXT) for name in _FIELDS),
        sa.PrimaryKeyConstraint("number", "seq", name="pk_revision_row"),
        _foreign_key("revision_row", "number", "revision.number"),
    )
    op.create_table(
        "revision_practice",
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("practice", _TEXT, nullable=False),
        sa.Column("digest", _TEXT, nullable=False),
        sa.PrimaryKeyConstraint("number", "practice", name="pk_revision_practice"),
        _foreign_key("revision_practice", "number", "revision.number"),
    )
    op.create_index("ix_revision_practice_practice", "revision_practice", ["practice", "number"])
    op.create_table(
        "head",
        sa.Column("id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("digest", _TEXT, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_head"),
        sa.CheckConstraint("id = 1", name=op.f("ck_head_single")),
    )
    op.execute(f"INSERT INTO head (id, number, digest) VALUES (1, 0, '{GENESIS}')")  # noqa: S608 - our own constant


def _host() -> None:
    op.create_table(
        "token",
        sa.Column("id", _TEXT, nullable=False),
        sa.Column("name", _TEXT, nullable=False),
        sa.Column("secret_hash", _TEXT, nullable=False),
        sa.Column("practices", sa.JSON(), nullable=False),
        sa.Column("created", _TEXT, nullable=False),
        sa.Column("revoked", _TEXT),
        sa.PrimaryKeyConstraint("id", name="pk_token"),
    )
    _unique_where("revoked IS NULL", "uq_token_name", "token", ["name"])
    op.create_table(
        "mark",
        sa.Column("name", _TEXT, nullable=False),
        sa.Column("value", _TEXT, nullable=False),
        sa.PrimaryKeyConstraint("name", name="pk_mark"),
    )
    op.create_table(
        "folder_status",
        sa.Column("id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("time", _TEXT, nullable=False),
        sa.Column("digest", _TEXT, nullable=False),
        sa.Column("holds", sa.Boolean(), nullable=False),
        sa.Column("findings", sa.JSON(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_folder_status"),
        sa.CheckConstraint("id = 1", name=op.f("ck_folder_status_single")),
    )


def _foreign_key(table: str, column: str, to: str) -> sa.ForeignKeyConstraint:
    name = f"fk_{table}_{column}"
    return sa.ForeignKeyConstraint([column], [to], name=name, deferrable=True, initially="DEFERRED")


def _unique_where(condition: str, name: str, table: str, columns: list[str]) -> None:
    where = sa.text(condition)
    op.create_index(name, table, columns, unique=True, sqlite_where=where, postgresql_where=where)


def _triggers(dialect: str) -> Iterable[str]:
    if dialect == "postgresql":
        yield triggers.REFUSAL
    for table in ("revision", "revision_row", "revision_practice", "file_text"):
        yield from triggers.never_changed(dialect, table)
    for table in ("revision", "revision_row", "revision_practice"):
        yield from triggers.closed(dialect, table)
    yield from triggers.stands_already(dialect, "file_text", "sha256")
    yield from triggers.head_steps(dialect)
