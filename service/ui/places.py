"""Where the pages of a practice are: their paths with what they are asked for, quoted, in one place."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from urllib.parse import urlencode, urlsplit

from service.exchange import Asked
from service.ui.static import quoted

ROLES, ROLE, NEW_ROLE, COMPARE = "roles", "role", "role/new", "roles/compare"
LIMIT, USERS, USER, IMPORT = "limit", "users", "user", "users/import"
TRY, DRAFT, CHANGES, UPGRADE = "try", "draft", "changes", "upgrade"


def to(practice: str, page: str, **asked: object) -> str:
    """A page of a practice. What is empty is not asked for."""
    query = urlencode([(name, str(value)) for name, value in asked.items() if value not in ("", None)])
    return f"/practices/{quoted(practice)}/{page}{f'?{query}' if query else ''}"


def back(practice: str, place: str, instead: str) -> str:
    """A place of the same practice that a form named as the one to return to; else `instead`.

    INVARIANT: nobody is sent elsewhere by a form, whatever it says.
    """
    try:
        parts = urlsplit(place)
    except ValueError:
        return instead
    own = f"/practices/{quoted(practice)}/"
    plain = not parts.scheme and not parts.netloc and not parts.fragment and "\\" not in place and place.isprintable()
    return place if plain and parts.path.startswith(own) and ".." not in parts.path else instead


@dataclass(frozen=True, slots=True)
class Here:
    """The page that was asked for, as its own links and forms need it."""

    practice: str
    asked: Asked

    @property
    def path(self) -> str:
        """The path without what it was asked for."""
        return self.asked.path

    @property
    def draft(self) -> str:
        """Where forms go that change the draft."""
        return to(self.practice, DRAFT)

    @property
    def place(self) -> str:
        """This page, to come back to. A page that answers a form is the one from which the form was sent."""
        return self.place_but(())

    def to(self, page: str, **asked: object) -> str:
        """Another page of the same practice."""
        return to(self.practice, page, **asked)

    def pairs_but(self, names: Collection[str]) -> list[tuple[str, str]]:
        """What the page was asked for, but for these."""
        return [(name, value) for name, value in self.asked.query if name not in (*names, *_ONCE)]

    def place_but(self, names: Collection[str]) -> str:
        """This page without some of what it was asked for."""
        if self.asked.method != "GET":
            return back(self.practice, self.asked.form.one("back"), self.asked.path)
        query = urlencode(self.pairs_but(names))
        return f"{self.path}{f'?{query}' if query else ''}"

    def again(self, **asked: object) -> str:
        """This page, asked for something else besides."""
        pairs = self.pairs_but(asked.keys()) + [(name, str(value)) for name, value in asked.items() if value != ""]
        return f"{self.path}?{urlencode(pairs)}"


_ONCE = ("saved", "done", "back", "do", "role")
"""What a page is asked to say once, and what a search in a form for adding people carries along."""
