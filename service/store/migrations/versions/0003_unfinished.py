"""What somebody was about to send when their sign-in had ended: kept for a while, for nobody but them."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0003"
down_revision = "0002"

_TEXT = sa.Text().with_variant(postgresql.TEXT(collation="C"), "postgresql")


def upgrade() -> None:
    op.create_table(
        "unfinished",
        *(sa.Column(name, _TEXT, nullable=False) for name in ("id_hash", "person", "ended", "place", "form")),
        sa.PrimaryKeyConstraint("id_hash", name="pk_unfinished"),
    )


def downgrade() -> None:
    op.drop_table("unfinished")
