"""The tables, as the newest migration leaves them.

Four kinds of row have a table each (`practice`, `directory_user`, `role`, `policy_file`); Casbin's own kinds
share `casbin_rule`, laid out as the adapters of every Casbin expect it. The rest is about revisions, or is
what the host needs to remember. Constraints stand in the database and have names: they are the last to
say no. The triggers that keep revisions as they are stand in the migrations, in the database's own words.
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
from sqlalchemy.dialects import postgresql

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

_TEXT = Text().with_variant(postgresql.TEXT(collation="C"), "postgresql")
"""Names are the same, and come in order, by their bytes, as SQLite has it. PostgreSQL would go by the language of the
database, and its indexes by a version of that language."""

_FIELD = String(255).with_variant(postgresql.VARCHAR(255, collation="C"), "postgresql")


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
    Column("id", _TEXT, primary_key=True),
    Column("name", _TEXT, nullable=False),
)

directory_user = Table(
    "directory_user",
    metadata,
    Column("practice", _TEXT, _refers_to("practice.id"), primary_key=True),
    Column("id", _TEXT, primary_key=True),
    Column("name", _TEXT, nullable=False),
    Column("state", _TEXT, nullable=False),
    CheckConstraint("state IN ('active', 'inactive')", name="state"),
)

role = Table(
    "role",
    metadata,
    Column("practice", _TEXT, _refers_to("practice.id"), primary_key=True),
    Column("name", _TEXT, primary_key=True),
)

casbin_rule = Table(
    "casbin_rule",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("ptype", _FIELD, nullable=False),
    *(Column(name, _FIELD) for name in FIELDS),
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
    Column("sha256", _TEXT, primary_key=True),
    Column("text", _TEXT, nullable=False),
)

policy_file = Table(
    "policy_file",
    metadata,
    Column("path", _TEXT, primary_key=True),
    Column("sha256", _TEXT, _refers_to("file_text.sha256"), nullable=False),
)

# --- revisions ----------------------------------------------------------------------------------------------

revision = Table(
    "revision",
    metadata,
    Column("number", Integer, primary_key=True, autoincrement=False),
    Column("time", _TEXT, nullable=False),
    Column("actor", _TEXT, nullable=False),
    Column("how", _TEXT, nullable=False),
    Column("reason", _TEXT, nullable=False),
    Column("reference", _TEXT, nullable=False),
    Column("previous", _TEXT, nullable=False),
    Column("digest", _TEXT, nullable=False),
    # JSON as it is digested; NULL for a revision from before there was any.
    Column("evidence", _TEXT),
    CheckConstraint("number > 0", name="number"),
    UniqueConstraint("previous"),  # the chain has no forks
    Index("ix_revision_time", "time", "number"),
)

revision_row = Table(
    "revision_row",
    metadata,
    Column("number", Integer, _refers_to("revision.number"), primary_key=True),
    Column("seq", Integer, primary_key=True),
    Column("added", Boolean, nullable=False),
    Column("kind", _TEXT, nullable=False),
    *(Column(name, _TEXT) for name in FIELDS),
)

revision_practice = Table(
    "revision_practice",
    metadata,
    Column("number", Integer, _refers_to("revision.number"), primary_key=True),
    Column("practice", _TEXT, primary_key=True),
    Column("digest", _TEXT, nullable=False),
    Index("ix_revision_practice_practice", "practice", "number"),
)

# Whom a revision is about, for lists and filters: what people gain and lose on a screen, and with noughts what it only
# names (`screen` "" for a person, `person` "" for a screen). Worked out from the rows; not part of the digest.
revision_effect = Table(
    "revision_effect",
    metadata,
    Column("number", Integer, _refers_to("revision.number"), primary_key=True),
    Column("practice", _TEXT, primary_key=True),
    Column("person", _TEXT, primary_key=True),
    Column("screen", _TEXT, primary_key=True),
    Column("gained", Integer, nullable=False),
    Column("lost", Integer, nullable=False),
    # By practice first: people's ids come from all over, and a change should touch few pages of the file.
    Index("ix_revision_effect_person", "practice", "person", "number"),
    Index("ix_revision_effect_screen", "screen", "practice", "number"),
)

head = Table(
    "head",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=False),
    Column("number", Integer, nullable=False),
    Column("digest", _TEXT, nullable=False),
    CheckConstraint("id = 1", name="single"),
)

# --- what the host remembers --------------------------------------------------------------------------------

token = Table(
    "token",
    metadata,
    Column("id", _TEXT, primary_key=True),
    Column("name", _TEXT, nullable=False),
    Column("secret_hash", _TEXT, nullable=False),
    # A list, or JSON's null for all practices. Not NULL, so that "all" is said and never left out.
    Column("practices", JSON, nullable=False),
    Column("created", _TEXT, nullable=False),
    Column("revoked", _TEXT),
    # Words with blanks between, as OAuth writes them. Whoever forgets to say gets the least.
    Column("scopes", _TEXT, nullable=False, server_default="check"),
    _only_where("revoked IS NULL", "uq_token_name", "name"),
)

mark = Table(
    "mark",
    metadata,
    Column("name", _TEXT, primary_key=True),
    Column("value", _TEXT, nullable=False),
)

folder_status = Table(
    "folder_status",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=False),
    Column("time", _TEXT, nullable=False),
    Column("digest", _TEXT, nullable=False),
    Column("holds", Boolean, nullable=False),
    Column("findings", JSON, nullable=False),
    CheckConstraint("id = 1", name="single"),
)

# --- those who sign in --------------------------------------------------------------------------------------

session = Table(
    "session",
    metadata,
    Column("id_hash", _TEXT, primary_key=True),
    Column("person", _TEXT, nullable=False),
    Column("name", _TEXT, nullable=False),
    Column("practices", JSON, nullable=False),
    Column("created", _TEXT, nullable=False),
    Column("seen", _TEXT, nullable=False),
    Column("provider", _TEXT, nullable=False),
    Index("ix_session_person", "person"),
)

unfinished = Table(
    "unfinished",
    metadata,
    Column("id_hash", _TEXT, primary_key=True),
    Column("person", _TEXT, nullable=False),
    Column("ended", _TEXT, nullable=False),
    Column("place", _TEXT, nullable=False),
    Column("form", _TEXT, nullable=False),
)

draft = Table(
    "draft",
    metadata,
    Column("practice", _TEXT, primary_key=True),
    Column("person", _TEXT, primary_key=True),
    Column("base", Integer, nullable=False),
    Column("edits", _TEXT, nullable=False),
    Column("reason", _TEXT, nullable=False),
    Column("note", _TEXT, nullable=False),
    Column("reference", _TEXT, nullable=False),
    Column("updated", _TEXT, nullable=False),
)

event = Table(
    "event",
    metadata,
    Column("number", Integer, primary_key=True),
    Column("time", _TEXT, nullable=False),
    Column("name", _TEXT, nullable=False),
    Column("actor", _TEXT, nullable=False),
    Column("practice", _TEXT, nullable=False),
    Column("details", JSON, nullable=False),
    Index("ix_event_practice", "practice", "number"),
    Index("ix_event_actor", "actor", "number"),
)

idempotency = Table(
    "idempotency",
    metadata,
    Column("token", _TEXT, primary_key=True),
    Column("key", _TEXT, primary_key=True),
    Column("request", _TEXT, nullable=False),
    Column("created", _TEXT, nullable=False),
    Column("revision", Integer, nullable=False),
    Column("status", Integer, nullable=False),
    Column("body", _TEXT, nullable=False),
    Index("ix_idempotency_created", "created"),
)
