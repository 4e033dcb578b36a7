"""The tables, as the newest migration leaves them.

Four kinds of row have a table each (`practice`, `directory_user`, `role`, `policy_file`); Casbin's own kinds
share `casbin_rule`, laid out as the adapters of every Casbin expect it. The rest is about revisions, or is
what the host needs to remember. Constraints stand in the database and have names: they are the last to
say no. The triggers that keep revisions as they are stand in the migration, in the database's own words.
"""

from __future__ import annotations

from sqlalchemy import (
    JSON,
    Boolean,
    CheckConstraint,
    Column,
    ForeignKey,
    Index,
    Integer,
    MetaData,
    String,
    Table,
    Text,
    UniqueConstraint,
    text,
)

metadata = MetaData(
    naming_convention={
        "pk": "pk_%(table_name)s",
        "fk": "fk_%(table_name)s_%(column_0_name)s",
        "uq": "uq_%(table_name)s_%(column_0_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
    }
)

FIELDS = ("v0", "v1", "v2", "v3", "v4", "v5")
"""The columns for the fields of a row, wherever rows of all kinds share a table. Unused ones are NULL."""


def _refers_to(column: str) -> ForeignKey:
    # Judged when the transaction ends, so that one change may rename a practice beneath its users.
    return ForeignKey(column, deferrable=True, initially="DEFERRED")


def _only_where(condition: str, name: str, *columns: str) -> Index:
    where = text(condition)
    return Index(name, *columns, unique=True, sqlite_where=where, postgresql_where=where)


# --- current rows -------------------------------------------------------------------------------------------

practice = Table(
    "practice",
    metadata,
    Column("id", Text, primary_key=True),
    Column("name", Text, nullable=False),
)

directory_user = Table(
    "directory_user",
    metadata,
    Column("practice", Text, _refers_to("practice.id"), primary_key=True),
    Column("id", Text, primary_key=True),
    Column("name", Text, nullable=False),
    Column("state", Text, nullable=False),
    CheckConstraint("state IN ('active', 'inactive')", name="state"),
)

role = Table(
    "role",
    metadata,
    Column("practice", Text, _refers_to("practice.id"), primary_key=True),
    Column("name", Text, primary_key=True),
)

casbin_rule = Table(
    "casbin_rule",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("ptype", String(255), nullable=False),
    *(Column(name, String(255)) for name in FIELDS),
    # Each of these does two things: no row stands twice, and the rows of a practice (of a screen, for g2) lie
    # together. Nothing but the indexed columns decides what is the same row, so a role has one word on a
    # level.
    _only_where("ptype = 'p'", "uq_casbin_rule_p", "v1", "v0", "v2", "v3"),
    _only_where("ptype = 'g'", "uq_casbin_rule_g", "v2", "v0", "v1"),
    _only_where("ptype = 'g2'", "uq_casbin_rule_g2", "v2", "v0", "v1"),
)

file_text = Table(
    "file_text",
    metadata,
    Column("sha256", Text, primary_key=True),
    Column("text", Text, nullable=False),
)

policy_file = Table(
    "policy_file",
    metadata,
    Column("path", Text, primary_key=True),
    Column("sha256", Text, _refers_to("file_text.sha256"), nullable=False),
)

# --- revisions ----------------------------------------------------------------------------------------------

revision = Table(
    "revision",
    metadata,
    Column("number", Integer, primary_key=True, autoincrement=False),
    Column("time", Text, nullable=False),
    Column("actor", Text, nullable=False),
    Column("how", Text, nullable=False),
    Column("reason", Text, nullable=False),
    Column("reference", Text, nullable=False),
    Column("previous", Text, nullable=False),
    Column("digest", Text, nullable=False),
    CheckConstraint("number > 0", name="number"),
    UniqueConstraint("previous"),  # the chain has no forks
)

revision_row = Table(
    "revision_row",
    metadata,
    Column("number", Integer, _refers_to("revision.number"), primary_key=True),
    Column("seq", Integer, primary_key=True),
    Column("added", Boolean, nullable=False),
    Column("kind", Text, nullable=False),
    *(Column(name, Text) for name in FIELDS),
)

revision_practice = Table(
    "revision_practice",
    metadata,
    Column("number", Integer, _refers_to("revision.number"), primary_key=True),
    Column("practice", Text, primary_key=True),
    Column("digest", Text, nullable=False),
    Index("ix_revision_practice_practice", "practice", "number"),
)

head = Table(
    "head",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=False),
    Column("number", Integer, nullable=False),
    Column("digest", Text, nullable=False),
    CheckConstraint("id = 1", name="single"),
)

# --- what the host remembers --------------------------------------------------------------------------------

token = Table(
    "token",
    metadata,
    Column("id", Text, primary_key=True),
    Column("name", Text, nullable=False),
    Column("secret_hash", Text, nullable=False),
    # A list, or JSON's null for all practices. Not NULL, so that "all" is said and never left out.
    Column("practices", JSON, nullable=False),
    Column("created", Text, nullable=False),
    Column("revoked", Text),
    _only_where("revoked IS NULL", "uq_token_name", "name"),
)

mark = Table(
    "mark",
    metadata,
    Column("name", Text, primary_key=True),
    Column("value", Text, nullable=False),
)

folder_status = Table(
    "folder_status",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=False),
    Column("time", Text, nullable=False),
    Column("digest", Text, nullable=False),
    Column("holds", Boolean, nullable=False),
    Column("findings", JSON, nullable=False),
    CheckConstraint("id = 1", name="single"),
)
