"""The catalog: what people are told about each screen.

It grants nothing. It declares which screens and actions there are, in which words they are spoken of, and what a user
reads on being refused; the rows of `screens.csv` say which level an action needs. `lint` holds the two together.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

from service.policy.findings import finding, listed
from service.policy.plain import Malformed, Node, parse
from service.values import Finding, Position

OFF = "Off"
"""What people call no access. It is not a level: there is no row for it."""

NO_ACCESS = "No access"
"""What people call it to have nothing of all that the profiles of a topic say."""

CODE = "{code}"
"""Stands in the closing sentence for the code under which a refusal can be found."""


USER = "{user}"
"""Stands in the phrase of a profile for whom it is about."""

Duties = frozenset[tuple[str, str]]
"""What can be done, as (screen, action)."""


@dataclass(frozen=True, slots=True)
class Profile:
    """A combination of what somebody may do that has a name: `Full Access`, say, of the topic `Patient Portal`.

    It is met by exactly what it says, of all that the profiles of its topic say. `phrase` completes "Ann may ...".
    `warning`: what is said of it, where it has a screen without the other one that `warn_without` names there.
    """

    topic: str
    name: str
    may: Duties
    phrase: str
    warning: str = ""

    def phrase_for(self, whom: str) -> str:
        """The phrase about somebody: `open and answer messages forwarded to Ben`."""
        return self.phrase.replace(USER, whom)


@dataclass(frozen=True, slots=True)
class Elsewhere:
    """Something said of a screen in view of another one: `say` it depending on `action` (or any level) there."""

    screen: str
    say: str
    action: str
    position: Position


@dataclass(frozen=True, slots=True)
class Screen:
    """One screen as people know it. `actions` maps each action to its phrase ("open the Patient Portal queue").

    `places` says where each action stands.
    """

    name: str
    group: str
    description: str
    actions: Mapping[str, str]
    security_message: str
    still_may: Elsewhere | None
    warn_without: Elsewhere | None
    position: Position
    places: Mapping[str, Position]


@dataclass(frozen=True, slots=True)
class Catalog:
    """All screens, the levels from lowest to highest, and the sentences that every refusal shares."""

    levels: tuple[str, ...]
    closing: str
    unavailable: str
    screens: Mapping[str, Screen]
    profiles: tuple[Profile, ...] = ()
    unknown: str = "You don't have access to this screen."
    """What is said of a screen that does not exist."""

    @property
    def topics(self) -> dict[str, Duties]:
        """Everything that the profiles of each topic are about."""
        found: dict[str, Duties] = {}
        for profile in self.profiles:
            found[profile.topic] = found.get(profile.topic, frozenset()) | profile.may
        return found

    def profile(self, topic: str, may: Duties) -> Profile | None:
        """The combination that somebody has who may do this, and perhaps more of other topics; None: it has no name.

        Who may do nothing of the topic has `NO_ACCESS`, which has no phrase.
        """
        own = may & self.topics[topic]
        if not own:
            return Profile(topic, NO_ACCESS, own, "")
        return next((each for each in self.profiles if (each.topic, each.may) == (topic, own)), None)

    def having(self, may: Duties) -> dict[str, Profile]:
        """The combination of each topic that somebody has who may do this; without those that have no name."""
        found = {topic: self.profile(topic, may) for topic in self.topics}
        return {topic: profile for topic, profile in found.items() if profile is not None}

    @property
    def vocabulary(self) -> dict[str, frozenset[str]]:
        """Each screen with the actions that may be asked about it."""
        return {name: frozenset(screen.actions) for name, screen in self.screens.items()}

    def security_message(self, screen: str, may: Callable[[str, str], bool], code: str) -> str:
        """What a refused user reads; `may(action, screen)` says what is still open to this user.

        A screen that does not exist has no message of its own: the closing sentence says whom to ask.
        """
        known = self.screens.get(screen)
        said = [known.security_message if known else self.unknown]
        still = known.still_may if known else None
        if still is not None and may(still.action, still.screen):
            said.append(still.say)
        return " ".join((*said, self.closing.replace(CODE, code)))


def read(file: str, text: str) -> tuple[Catalog | None, list[Finding]]:
    """Read `catalog.yaml`; None with at least one finding where it does not hold."""
    node, found = parse(file, text)
    if node is None:
        return None, found
    try:
        top = node.fields("levels", "closing", "unavailable", "screens", optional=("profiles",))
        closing = top["closing"].text()
        if closing.count(CODE) != 1:
            text = f"`{CODE}` stands {closing.count(CODE)} times"
            raise Malformed(top["closing"].position, text, f"write `{CODE}` once")
        levels = _levels(top["levels"])
        unavailable = top["unavailable"].text()
        entries = top["screens"].mapping()
    except Malformed as malformed:
        return None, [malformed.finding]
    screens = {}
    for name, entry in entries.items():
        try:
            screens[name] = _screen(name, entry, levels)
        except Malformed as malformed:
            found.append(malformed.finding)
    found += [] if found else _strangers(screens)
    try:
        profiles = _profiles(top["profiles"], screens) if "profiles" in top and not found else ()
    except Malformed as malformed:
        return None, [malformed.finding]
    return None if found else Catalog(levels, closing, unavailable, screens, profiles), found


def _levels(node: Node) -> tuple[str, ...]:
    levels: list[str] = []
    for level in node.items():
        if level.name() in levels:
            raise Malformed(level.position, f"level `{level.name()}` stands twice", "take one of the two out")
        if level.name() == OFF:
            raise Malformed(level.position, f"level `{OFF}`", "take it out: no access is a row that is not there")
        levels.append(level.name())
    if not levels:
        raise Malformed(node.position, "no levels", "write them from lowest to highest: `[Read, Update, Write]`")
    return tuple(levels)


def _screen(name: str, node: Node, levels: tuple[str, ...]) -> Screen:
    entry = node.fields("group", "description", "actions", "security_message", optional=("still_may", "warn_without"))
    still, without = entry.get("still_may"), entry.get("warn_without")
    actions = entry["actions"].mapping()
    for action, phrase in actions.items():
        if action in levels:
            # Who asked for it would be answered as if a level could be asked for.
            raise Malformed(phrase.named, f"action `{action}`, which is a level", "name the action otherwise")
    return Screen(
        name,
        entry["group"].name(),
        entry["description"].text(),
        {action: phrase.text() for action, phrase in actions.items()},
        entry["security_message"].text(),
        _elsewhere(still.fields("action", "screen", "say")) if still else None,
        _elsewhere(without.fields("screen", "say")) if without else None,
        node.named,
        {action: phrase.named for action, phrase in actions.items()},
    )


def _elsewhere(entry: dict[str, Node]) -> Elsewhere:
    action = entry["action"].name() if "action" in entry else ""
    return Elsewhere(entry["screen"].name(), entry["say"].text(), action, entry["screen"].position)


def _profiles(node: Node, screens: Mapping[str, Screen]) -> tuple[Profile, ...]:
    profiles: list[Profile] = []
    for topic, names in node.mapping().items():
        for name, entry in names.mapping().items():
            fields = entry.fields("may", "phrase")
            may = frozenset(_duties(fields["may"], screens))
            if not may:
                raise Malformed(entry.named, f"profile `{name}`, which says nothing", "name an action, or take it out")
            if any(may == other.may for other in profiles):
                raise Malformed(entry.named, f"profile `{name}`, which says what another one says", "take one out")
            profiles.append(Profile(topic, name, may, fields["phrase"].text(), _warning(may, screens)))
    return tuple(profiles)


def _warning(may: Duties, screens: Mapping[str, Screen]) -> str:
    """What is said of having one screen without another one; empty where there is nothing to warn about."""
    held = {screen for screen, _ in may}
    without = (screen.warn_without for name, screen in screens.items() if name in held)
    return next((other.say for other in without if other is not None and other.screen not in held), "")


def _duties(node: Node, screens: Mapping[str, Screen]) -> Iterator[tuple[str, str]]:
    for screen, actions in node.mapping().items():
        for action in actions.items():
            if screen not in screens or action.name() not in screens[screen].actions:
                text = f"`{action.name()}` on `{screen}`, which is not declared"
                known = f"use {listed(screens[screen].actions)}" if screen in screens else "name a screen of this file"
                raise Malformed(action.position, text, known)
            yield screen, action.name()


def _strangers(screens: Mapping[str, Screen]) -> list[Finding]:
    """A sentence about another screen names a screen, and an action of it, that exist."""
    found = []
    for screen in screens.values():
        for other in (screen.still_may, screen.warn_without):
            if other is None:
                continue
            actions = screens[other.screen].actions if other.screen in screens else {}
            if other.screen not in screens or (other.action and other.action not in actions):
                what = f"`{other.action}` on `{other.screen}`" if other.action else f"`{other.screen}`"
                mend = f"use {listed(actions)}" if actions else "name a screen of this file"
                found.append(finding("yaml-shape", other.position, f"{what}, which is not declared", mend))
    return found
