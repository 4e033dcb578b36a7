"""Words: what a change does, and what somebody may do, in the sentences that people of a practice read.

Pure. What is said follows from answers, never from what an edit was meant to do; for that see `meant`. Phrases and
names of combinations are the catalog's. `mark` is put around every name, for a page that has to keep names of other
scripts apart.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from service.decision.effect import Effect, Opened
from service.policy.catalog import USER, Catalog, Duties
from service.policy.lint import Screens
from service.policy.practice import Practice
from service.values import USER_PREFIX

NAMED = 3
"""People whom a sentence names; of more it names two, and counts the others."""


class Sentence(NamedTuple):
    """One sentence, about these users (ids). `why`: the roles and levels responsible, as lines."""

    text: str
    users: tuple[str, ...]
    gained: bool
    why: tuple[str, ...] = ()


class Told(NamedTuple):
    """An effect in words. `counts` stands first: "2 people gain, nobody loses anything"."""

    counts: str
    lost: tuple[Sentence, ...]
    gained: tuple[Sentence, ...]

    @property
    def text(self) -> str:
        """All of it: who loses, who gains, and that nobody does the one or the other."""
        said = [each.text for each in (*self.lost, *self.gained)]
        if not said:
            return "Nobody gains or loses anything."
        return " ".join([*said, *(["Nobody loses anything."] if not self.lost else [])])


NOTHING = Told("nobody gains or loses anything", (), ())


@dataclass(frozen=True)
class State:
    """A practice at one moment: as its people know it, and what each of them may do."""

    practice: Practice
    opened: Opened
    known: Screens
    mark: Callable[[str], str] = str

    @property
    def catalog(self) -> Catalog:
        """The words of the policy."""
        return self.known.catalog

    def may(self, user: str) -> Duties:
        """All that a user may do."""
        return self.opened.allowed(USER_PREFIX + user)

    def name(self, user: str) -> str:
        """A user in a sentence."""
        return self.mark(self.practice.called(user))

    def phrases(self, duties: Duties) -> tuple[str, ...]:
        """What the catalog says of each, in its order."""
        screens = self.catalog.screens.items()
        return tuple(
            phrase for name, each in screens for action, phrase in each.actions.items() if (name, action) in duties
        )

    def gives(self, role: str) -> Duties:
        """All that a role gives, what it has by roles it is within included."""
        return self.practice.gives(role, self.known.granted)

    def through(self, user: str, duties: Duties, apart_from: str = "") -> tuple[str, ...]:
        """The roles that a user is in, apart from one, by which they may do some of this."""
        roles = self.practice.roles_of(user)
        return tuple(role for role in roles if role != apart_from and self.gives(role) & duties)

    def why(self, user: str, duties: Duties, has: str = "has") -> Iterator[str]:
        """The levels by which a user may do some of this, as lines. `has`: the verb, of what is or of what was."""
        for role in sorted(self.practice.reached_by(user)):
            for screen, level in self.practice.roles[role].levels.items() if role in self.practice.roles else ():
                if any((screen, action) in duties for action in self.known.granted.get((screen, level), ())):
                    same = self.known.acts_as(screen, level)
                    shown = f"{level} (same as {same} on this screen)" if same else level
                    yield f"{self.mark(role)} {has} {shown} on {screen}"


# --- what a change does ---


def told(effect: Effect, before: State, after: State) -> Told:
    """The effect of a change of one practice. Complete: whoever is not named gains and loses nothing."""
    changes: dict[str, list[set[tuple[str, str]]]] = defaultdict(lambda: [set(), set()])
    for flip in effect.flips:
        changes[flip.user][flip.gained].add((flip.screen, flip.action))
    lost = {user: _lost(frozenset(pair[0]), before.may(user), after.may(user), after) for user, pair in changes.items()}
    gained = {
        user: _gained(frozenset(pair[1]), before.may(user), after.may(user), after) for user, pair in changes.items()
    }
    losers, winners = (sum(bool(pair[at]) for pair in changes.values()) for at in (0, 1))
    counts = f"{_people(winners, 'gain', 'gains')}, {_people(losers, 'lose', 'loses')}"
    return Told(
        counts if winners or losers else NOTHING.counts,
        tuple(_sentences(lost, "will no longer be able to", before, after, changes, gained=False)),
        tuple(_sentences(gained, "will be able to", after, after, changes, gained=True)),
    )


def _people(number: int, many: str, one: str) -> str:
    if not number:
        return f"nobody {one}{' anything' if one == 'loses' else ''}"
    return f"{number:,} {'person' if number == 1 else 'people'} {one if number == 1 else many}"


class _Said(NamedTuple):
    """What is said of somebody: phrases, and one for what they keep."""

    phrases: tuple[str, ...]
    still: str = ""


def _gained(new: Duties, was: Duties, will: Duties, state: State) -> _Said:
    phrases = list[str]()
    for topic, about in state.catalog.topics.items():
        profile = state.catalog.profile(topic, will)
        if new & about and not was & about and profile is not None:
            phrases.append(profile.phrase)
            new -= about
    return _Said((*phrases, *state.phrases(new)))


def _lost(gone: Duties, was: Duties, will: Duties, state: State) -> _Said:
    phrases, still = list[str](), ""
    for topic, about in state.catalog.topics.items():
        before, after = state.catalog.profile(topic, was), state.catalog.profile(topic, will)
        if gone & about and not will & about and before is not None:
            phrases.append(before.phrase)
            gone -= about
        elif gone & about and after is not None:
            still = after.phrase
    return _Said((*phrases, *state.phrases(gone)), still)


def _sentences(
    said: dict[str, _Said],
    verb: str,
    why: State,
    after: State,
    changes: dict[str, list[set[tuple[str, str]]]],
    *,
    gained: bool,
) -> Iterator[Sentence]:
    """One sentence for all of whom the same is said, in the order of names."""
    alike: dict[_Said, list[str]] = defaultdict(list)
    order = {user: at for at, user in enumerate(after.practice.users)}
    for user in sorted(said, key=lambda user: (order.get(user, len(order)), user)):
        if said[user].phrases:
            alike[said[user]].append(user)
    for each, users in alike.items():
        names, them = _names(users, why), why.name(users[0]) if len(users) == 1 else "them"
        text = f"{names} {verb} {series([phrase.replace(USER, them) for phrase in each.phrases])}."
        if each.still:
            whom = them if len(users) == 1 else "They"
            text += f" {whom} can still {each.still.replace(USER, them)}."
        has = "has" if gained else "had"
        lines = (line for user in users for line in why.why(user, frozenset(changes[user][gained]), has))
        yield Sentence(text, tuple(users), gained, tuple(dict.fromkeys(lines)))


def _names(users: Sequence[str], state: State) -> str:
    shown = [state.name(user) for user in users]
    return series([*shown[:2], f"{len(shown) - 2:,} more"] if len(shown) > NAMED else shown)


def series(parts: Sequence[str]) -> str:
    """`a`, `a and b`, `a, b and c`; with a comma where a part has an `and` of its own."""
    if len(parts) == 1:
        return parts[0]
    comma = "," if any(" and " in part for part in parts) else ""
    return f"{', '.join(parts[:-1])}{comma} and {parts[-1]}"


# --- what somebody may do ---


def explained(user: str, state: State) -> tuple[Sentence, ...]:
    """What a user may do, sentence by sentence, each with the levels responsible."""
    known, name = state.practice.users.get(user), state.name(user)
    if known is not None and not known.active:
        return (Sentence(f"{name} is inactive, and is refused everything.", (user,), gained=False),)
    may, said = state.may(user), list[Sentence]()
    for topic, about in state.catalog.topics.items():
        profile = state.catalog.profile(topic, may)
        if profile is not None and profile.may:
            text = f"{name} has {profile.name}: {name} can {profile.phrase_for(name)}."
            said.append(Sentence(text, (user,), True, tuple(state.why(user, about & may))))
            may -= about
    for screen in state.catalog.screens:
        duties = frozenset(duty for duty in may if duty[0] == screen)
        if duties:
            text = f"{name} can {series(state.phrases(duties))}."
            said.append(Sentence(text, (user,), True, tuple(state.why(user, duties))))
    roles = state.practice.roles_of(user)
    nothing = (
        f"{name} has no role, and can do nothing."
        if not roles
        else f"{name} can do nothing: no role of {name} gives anything."
    )
    return tuple(said) or (Sentence(nothing, (user,), gained=False),)
