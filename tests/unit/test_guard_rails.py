"""Who may change what: the guard rails of authors, through `publish`, so that no way of a change goes past them."""

from dataclasses import replace
from unittest.mock import ANY

import pytest

from service.errors import ChangeRefused, InvalidPolicy
from service.publish import publish, rehearse
from service.store.base import Token
from service.values import Change, How
from tests.unit.site import LIST, ORDERS, ROLES, TASK, Site

ADMIN = "role:Practice Administrator"
USERS = "Setup - Users"
CLERK = f"role, riverside, role:Clerk\np, role:Clerk, riverside, {USERS}, Update\ng, user:eve, role:Clerk, riverside"


def by(site: Site, actor: str, add: str = "", remove: str = "", reason: str = "") -> Change:
    """A change that somebody else than the operator makes."""
    return replace(site.change(add, remove), actor=actor, how=How.SETUP, reason=reason)


def refusal(site: Site, change: Change) -> ChangeRefused:
    """The refusal of a change, which is the same rehearsed and published, and writes nothing."""
    before = site.dump()
    with pytest.raises(ChangeRefused) as rehearsed:
        rehearse(change, site.store)
    with pytest.raises(ChangeRefused) as published:
        publish(change, site.press)
    assert site.dump() == before
    assert str(rehearsed.value) == str(published.value)
    return published.value


class TestRights:
    """A user changes only what the policy lets them change, before the change."""

    @pytest.mark.parametrize(
        ("add", "needs"),
        [
            (f"p, role:Biller, riverside, {TASK}, Read", "`edit` on `Setup - Roles`"),
            ("role, riverside, role:New", "`add` on `Setup - Roles`"),
            ("g, user:cam, role:Nurse, riverside", "`edit` on `Setup - Roles` or `edit` on `Setup - Users`"),
            ("user, riverside, zoe, Zoe, active", "`add` on `Setup - Users`"),
        ],
        ids=["level", "role", "member", "user"],
    )
    def test_of_each_kind_of_row(self, site: Site, add: str, needs: str) -> None:
        """An administrator may add a row of each of these kinds; who has no right to it may not."""
        refused = refusal(site, by(site, "user:ann", add))
        assert (refused.rule, refused.mend) == ("author-rights", f"it takes {needs}")
        assert refused.for_people.startswith("You don't have access to do this in Setup > ")
        assert refused.for_people.endswith("Ask Pat Pine or Sam Roy.")
        assert publish(by(site, "user:pat", add), site.press).actor == "user:pat"

    def test_update_changes_roles_and_makes_none(self, site: Site) -> None:
        """Update on Setup - Roles is levels and members of roles that exist; another role takes Write."""
        site.publish(f"p, role:Lead, riverside, {ROLES}, Update\ng, user:ben, role:Lead, riverside")
        publish(by(site, "user:ben", f"p, role:Biller, riverside, {TASK}, Read"), site.press)
        assert refusal(site, by(site, "user:ben", "role, riverside, role:New")).rule == "author-rights"
        assert refusal(site, by(site, "user:ben", "", "role, riverside, role:Nurse")).rule == "author-rights"

    def test_members_by_setup_users(self, site: Site) -> None:
        """Update on Setup - Users changes who is in a role, and neither levels nor the directory."""
        site.publish(CLERK)
        publish(by(site, "user:eve", "g, user:cam, role:Nurse, riverside"), site.press)
        for add in (f"p, role:Biller, riverside, {TASK}, Read", "user, riverside, zoe, Zoe, active"):
            assert refusal(site, by(site, "user:eve", add)).rule == "author-rights"

    def test_of_before_the_change(self, site: Site) -> None:
        """Nobody makes themself an administrator by the change that takes one."""
        rows = f"p, role:Nurse, riverside, {ROLES}, Write"
        assert refusal(site, by(site, "user:dee", rows)).rule == "author-rights"

    @pytest.mark.parametrize("actor", ["user:lou", "user:nobody", "user:ann", "user:role:Practice Administrator"])
    def test_of_somebody_who_may_nothing(self, site: Site, actor: str) -> None:
        """Inactive users, strangers, users without the right and names of roles change nothing."""
        site.publish(f"g, user:lou, {ADMIN}, riverside")
        assert refusal(site, by(site, actor, "g, user:cam, role:Nurse, riverside")).rule == "author-rights"

    def test_the_practice_itself(self, site: Site) -> None:
        """The row of a practice is not for its administrator to change."""
        old, new = "practice, riverside, Riverside Family Practice", "practice, riverside, Riverside"
        refused = refusal(site, by(site, "user:pat", new, old))
        assert (refused.rule, refused.for_people) == ("author-rights", "Only whoever runs the system can change this.")
        site.publish(new, old)

    @pytest.mark.parametrize("actor", ["", "pat", "role:Practice Administrator", "user:", "root:pat"])
    def test_somebody_of_no_known_kind(self, site: Site, actor: str) -> None:
        """Who is neither user, token nor operator makes no change: that would be a bug of the caller."""
        with pytest.raises(ValueError, match="neither user, token nor operator"):
            publish(by(site, actor, "g, user:cam, role:Nurse, riverside"), site.press)


class TestOnePractice:
    """Nothing crosses practices."""

    @pytest.mark.parametrize(
        "add",
        [
            "g, user:ann, role:Biller, riverside\nuser, lakeside, zoe, Zoe, active",
            "g2, look, Read, Task - Orders",
        ],
        ids=["two practices", "what all share"],
    )
    def test_by_a_user(self, site: Site, add: str) -> None:
        """A user's change touches one practice and nothing that all share."""
        with pytest.raises((ChangeRefused, ValueError)) as refused:
            publish(by(site, "user:pat", add), site.press)
        assert "one practice" in str(refused.value) or "not those of its files" in str(refused.value)

    def test_administrators_of_another_practice(self, site: Site) -> None:
        """An administrator of Riverside may change nothing at Lakeside, whoever has the same id there."""
        for actor in ("user:pat", "user:ann"):
            change = by(site, actor, f"p, role:Biller, lakeside, {LIST}, Read")
            assert refusal(site, change).rule == "author-rights"

    def test_files_by_a_user(self, site: Site) -> None:
        """No user changes the policy files."""
        change, texts = site.of_files({"catalog.yaml": ("Try again in a minute", "Try again soon")})
        with pytest.raises(ChangeRefused) as refused:
            publish(replace(change, actor="user:pat"), site.press, texts)
        assert refused.value.rule == "practice-crossed"

    def token(self, site: Site, name: str, practices: frozenset[str] | None) -> None:
        """A token that is in use."""
        site.store.add_token(Token(f"id-{name}", name, "hash", practices, "2026-01-01T00:00:00.000000+00:00"))

    def test_by_a_token(self, site: Site) -> None:
        """A token's change stays in the practices of the token; one for all may change them all, and no file."""
        self.token(site, "ehr", frozenset({"lakeside"}))
        self.token(site, "all", None)
        add = f"p, role:Biller, riverside, {TASK}, Read"
        refused = refusal(site, by(site, "token:ehr", add))
        assert (refused.rule, refused.message) == ("practice-crossed", "`token:ehr` may not change `riverside`")
        publish(by(site, "token:all", add), site.press)
        publish(by(site, "token:ehr", add.replace("riverside", "lakeside")), site.press)
        change, texts = site.of_files({"catalog.yaml": ("Try again in a minute", "Try again soon")})
        with pytest.raises(ChangeRefused, match="what all practices share"):
            publish(replace(change, actor="token:all"), site.press, texts)

    def test_by_a_token_that_is_not_in_use(self, site: Site) -> None:
        """A revoked token and one that never was change nothing."""
        self.token(site, "old", None)
        site.store.revoke_token("old", "2026-01-02T00:00:00.000000+00:00")
        for name in ("old", "never"):
            change = by(site, f"token:{name}", f"p, role:Biller, riverside, {TASK}, Read")
            assert refusal(site, change).rule == "practice-crossed"


class TestOwnAccess:
    """From a change that a user makes, that user gains nothing while another administrator exists."""

    @pytest.mark.parametrize(
        "add",
        [
            "g, user:pat, role:Front Desk, riverside",
            f"p, {ADMIN}, riverside, {TASK}, Read",
            f"g, {ADMIN}, role:Clinician, riverside",
            f"p, role:Mine, riverside, {ORDERS}, Read\ng, user:pat, role:Mine, riverside",
        ],
        ids=["member", "level of an own role", "a role in a role", "a role of one's own"],
    )
    def test_whatever_way(self, site: Site, add: str) -> None:
        """However the rows say it, the author does not gain; another administrator may give it to them."""
        refused = refusal(site, by(site, "user:pat", add, reason="I need it"))
        assert (refused.rule, refused.for_people) == (
            "own-access",
            "You can't change your own access. Ask Sam Roy.",
        )
        if "Administrator" not in add:
            publish(by(site, "user:sam", add), site.press)

    def test_in_two_steps(self, site: Site) -> None:
        """Going into a role that holds nothing gains nothing; giving that role a level then does."""
        publish(by(site, "user:pat", "role, riverside, role:Mine\ng, user:pat, role:Mine, riverside"), site.press)
        later = by(site, "user:pat", f"p, role:Mine, riverside, {ORDERS}, Read")
        assert refusal(site, later).rule == "own-access"

    def test_losing_is_no_gain(self, site: Site) -> None:
        """An administrator may give up their own access, while another one stays."""
        publish(by(site, "user:pat", "", f"g, user:pat, {ADMIN}, riverside"), site.press)

    def test_others_gain(self, site: Site) -> None:
        """What others gain is what administrators are for; nothing is flagged."""
        assert rehearse(by(site, "user:pat", "g, user:cam, role:Nurse, riverside"), site.store).flags == ()

    def test_by_somebody_who_is_no_administrator(self, site: Site) -> None:
        """Who may change members only gains nothing by it either, be there one administrator, or several."""
        site.publish(CLERK)
        change = by(site, "user:eve", "g, user:eve, role:Nurse, riverside", reason="I need it")
        assert refusal(site, change).rule == "own-access"
        site.set_active("sam", False)
        refused = refusal(site, replace(change, base=site.head()))
        assert (refused.rule, refused.for_people) == ("own-access", "You can't change your own access. Ask Pat Pine.")

    def test_alone(self, site: Site) -> None:
        """The only administrator may change their own access, says why, and the change is flagged."""
        site.set_active("sam", False)
        add = "g, user:pat, role:Front Desk, riverside"
        refused = refusal(site, by(site, "user:pat", add, reason="  "))
        assert (refused.rule, refused.for_people) == (
            "reason-missing",
            "You are the only person who can change roles here, so you may change your own access. Say why.",
        )
        change = by(site, "user:pat", add, reason="nobody else is in")
        assert rehearse(change, site.store).flags == ("own-access",)
        assert publish(change, site.press).reason == "nobody else is in"

    def test_alone_with_another_who_comes(self, site: Site) -> None:
        """Who is alone before the change is alone, although the change makes another administrator."""
        site.set_active("sam", False)
        add = f"g, user:pat, role:Front Desk, riverside\ng, user:cam, {ADMIN}, riverside"
        assert refusal(site, by(site, "user:pat", add)).rule == "reason-missing"

    def test_the_same_id_elsewhere(self, site: Site) -> None:
        """Somebody of the same id in another practice is somebody else; operators gain nothing by rows."""
        add = f"p, role:Biller, lakeside, {TASK}, Read"
        assert rehearse(by(site, "operator:ann", add), site.store).flags == ()


class TestTheLastAdministrator:
    def test_in_words_for_people(self, site: Site) -> None:
        """The refusal says who it is, and what to do first."""
        site.set_active("sam", False)
        refused = refusal(site, by(site, "user:pat", "", f"g, user:pat, {ADMIN}, riverside"))
        assert (refused.rule, refused.for_people) == (
            "last-administrator",
            "Pat is the only person who can change roles here. Add another first.",
        )

    def test_of_several_at_once(self, site: Site) -> None:
        """When all would go, nobody is named."""
        both = f"g, user:pat, {ADMIN}, riverside\ng, user:sam, {ADMIN}, riverside"
        assert refusal(site, by(site, "user:pat", "", both)).for_people.startswith("Nobody could change roles here")


class TestSeparation:
    """Nobody newly comes to do both of what the policy keeps apart, whoever makes the change."""

    @pytest.mark.parametrize("actor", ["user:pat", "operator:test"])
    @pytest.mark.parametrize(
        "add",
        [
            "g, user:sam, role:Auditor, riverside",
            f"g, user:ada, {ADMIN}, riverside",
            f"p, role:Auditor, riverside, {ROLES}, Update",
            f"g, role:Auditor, {ADMIN}, riverside",
        ],
    )
    def test_both(self, site: Site, actor: str, add: str) -> None:
        """However the second comes, it is refused, with the reason that the policy gives."""
        refused = refusal(site, by(site, actor, add))
        assert refused.rule == "separation"
        assert refused.for_people.endswith(
            " would be able to change the levels and members of roles and sign off a review of changes to access. "
            "Whoever gives out access does not sign off on it."
        )

    def test_what_is_not_both(self, site: Site) -> None:
        """Reading the record beside changing roles is not signing it off; an exchange is no double."""
        site.publish(f"p, {ADMIN}, riverside, Audit - Policy Changes, Read")
        site.publish(f"g, user:ada, {ADMIN}, riverside", "g, user:ada, role:Auditor, riverside")

    def test_who_had_both_already(self, site: Site) -> None:
        """A pair that is declared takes nothing from people who have both, and other changes of them go on."""
        bare = {"separation.yaml": (site.policies.joinpath("separation.yaml").read_text(), "[]\n")}
        site.publish_files(bare)
        site.publish("g, user:sam, role:Auditor, riverside")
        site.publish_files({"separation.yaml": ("[]\n", bare["separation.yaml"][0])})
        site.publish("g, user:sam, role:Nurse, riverside")


class TestWhatPeopleRead:
    @pytest.mark.parametrize(
        "add",
        [
            "g, role:Nurse, role:Nurse, riverside",
            "\n".join(f"g, role:R{n}, role:R{n + 1}, riverside" for n in range(11)),
            "user, riverside, role:Nurse, Nurse, active",
        ],
        ids=["circle", "chain", "user named like a role"],
    )
    def test_lint_applies_to_changes_of_users(self, site: Site, add: str) -> None:
        """What cannot have been meant is refused whoever saves it."""
        with pytest.raises(InvalidPolicy):
            publish(by(site, "user:pat", add), site.press)

    def test_hints_are_those_that_are_new(self, site: Site) -> None:
        """A warning that was there before is not given again; one that the change brings is."""
        assert rehearse(by(site, "user:pat", "g, user:cam, role:Scheduler, riverside"), site.store).hints == ()
        hints = rehearse(by(site, "user:pat", f"p, role:Biller, riverside, {LIST}, Read"), site.store).hints
        assert [(hint.rule, hint.found) for hint in hints] == [("queue-only", ANY)]
