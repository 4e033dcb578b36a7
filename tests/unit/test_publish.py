import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from service.audit.chain import rows_digest
from service.errors import BaseMoved, ChangeRefused, InvalidPolicy, RolewardenError, StoreUnavailable, UsageError
from service.publish import publish, rehearse
from service.store.base import RequestKey
from service.values import Change, Row
from tests.unit.site import LIST, ROLES, TASK, Site, intact, load, reason, row, some, transactions

ADMIN = "role:Practice Administrator"
LAST_GRANT = "g2, edit, Update, Setup - Roles"
TRUSTING = "[]\n"
"""A file of cases without any."""
LADDER = """g2, view, Read, Task - Orders
g2, edit, Update, Task - Orders
g2, add, Write, Task - Orders
g2, Read, Update, Task - Orders
g2, Update, Write, Task - Orders
"""


@contextmanager
def nothing_changes(site: Site) -> Iterator[None]:
    """Whatever is in the database is there afterwards, and nothing else; the counter may have risen."""
    before = site.dump()
    yield
    assert site.dump() == before


def refused(site: Site, change: Change, files: dict[str, str] | None = None) -> RolewardenError:
    """Publishing and rehearsing raise the same error, and nothing changes."""
    with nothing_changes(site):
        with pytest.raises((InvalidPolicy, ChangeRefused)) as rehearsed:
            rehearse(change, site.store, files)
        with pytest.raises((InvalidPolicy, ChangeRefused)) as published:
            publish(change, site.press, files)
    assert told(rehearsed.value) == told(published.value)
    return published.value


def told(error: RolewardenError) -> tuple[object, ...]:
    """What an error says, so that two can be compared."""
    return type(error), error.message, error.mend, getattr(error, "findings", ()), getattr(error, "rule", "")


def findings(site: Site, change: Change, files: dict[str, str] | None = None) -> list[str]:
    """The rules by which a change is refused as one that does not hold."""
    error = refused(site, change, files)
    assert isinstance(error, InvalidPolicy), error
    return [found.rule for found in error.findings if found.severity == "error"]


def guard(site: Site, change: Change, files: dict[str, str] | None = None) -> str:
    """The guard rail that a change runs into."""
    error = refused(site, change, files)
    assert isinstance(error, ChangeRefused), error
    return error.rule


class TestAChange:
    def test_becomes_the_next_revision(self, site: Site) -> None:
        """It has the next number, the rows and the author of the change, and the digest of what it touched."""
        change = site.change(
            "user, riverside, zoe, Zoe Zander, active",
            "g, user:ben, role:Patient Portal Communications Only, riverside",
        )
        change = replace(change, reason="a hire", reference="T-1")
        before = site.head()
        revision = publish(change, replace(site.press, now=lambda: "2024-01-02T03:04:05.000006+00:00"))
        assert (revision.number, revision.time) == (before + 1, "2024-01-02T03:04:05.000006+00:00")
        assert (frozenset(revision.added), frozenset(revision.removed)) == (change.added, change.removed)
        assert (revision.actor, revision.reason, revision.reference) == (change.actor, "a hire", "T-1")
        assert revision.practices == (("riverside", rows_digest(site.rows("riverside"))),)
        with site.view() as view:
            assert view.revision(revision.number) == revision
            assert view.rows_at(revision.number, "riverside") == site.rows("riverside")

    def test_of_two_practices_is_one_revision(self, site: Site) -> None:
        """A change that touches two practices records both, and each stays whole."""
        revision = site.publish("user, riverside, zoe, Zoe, active\nuser, lakeside, zoe, Zoe, active")
        assert [name for name, _ in revision.practices] == ["lakeside", "riverside"]
        assert intact(site, "lakeside")
        assert intact(site, "riverside")

    def test_of_everything_is_possible_at_once(self, unpublished: Site, site: Site) -> None:
        """Into an empty store go files and practices with their administrators in one change."""
        with site.view() as view:
            texts = view.files()
        rows = site.rows("") | site.rows("riverside") | site.rows("lakeside")
        revision = publish(replace(unpublished.change(), added=rows), unpublished.press, texts)
        assert revision.number == 1
        assert unpublished.rows("riverside") == site.rows("riverside")
        assert unpublished.rows("") == site.rows("")

    def test_is_announced_before_it_is_returned(self, site: Site) -> None:
        """The counter has risen when publishing returns, so that nobody answers from before."""
        before = site.counter.value()
        site.publish("user, riverside, zoe, Zoe, active")
        assert site.counter.value() != before

    def test_is_answered_from_at_once(self, site: Site) -> None:
        """The next state of the same process has the change."""
        live = site.live()
        assert reason(live, "ann", "open_queue", LIST) == "allowed"
        revision = site.set_active("ann", False)
        assert live.state().loaded.revision == revision.number
        assert reason(live, "ann", "open_queue", LIST) == "inactive_user"

    def test_waits_for_another_in_the_same_moment(self, site: Site) -> None:
        """While somebody else makes a change on this host, ours waits, and is then refused or made on top of it."""
        with site.counter.changing():
            errors: list[RolewardenError | None] = []

            def late() -> None:
                try:
                    site.publish("user, riverside, zoe, Zoe, active")
                except RolewardenError as error:
                    errors.append(error)
                else:
                    errors.append(None)

            thread = threading.Thread(target=late)
            thread.start()
            thread.join(0.1)
            assert thread.is_alive()
        thread.join(10)
        assert errors == [None]

    def test_rehearsed_writes_nothing(self, site: Site) -> None:
        """A rehearsal of a change that holds gives the rows as they would be, and neither store nor counter moves."""
        change = site.change(
            "user, riverside, zoe, Zoe, active",
            "user, riverside, cam, Cam Cole, active\ng, user:cam, role:Biller, riverside",
        )
        before = site.counter.value()
        with nothing_changes(site):
            after = rehearse(change, site.store).after
        assert site.counter.value() == before
        assert after == {"riverside": site.rows("riverside") - change.removed | change.added}

    def test_reads_only_what_it_touches(self, site: Site) -> None:
        """A rehearsal of rows of one practice takes one transaction, whatever else there is."""
        change = site.change("user, riverside, zoe, Zoe, active")
        with transactions() as begun:
            rehearse(change, site.store)
        assert len(begun) == 1


class TestLint:
    """Step 2: what cannot have been meant."""

    @pytest.mark.parametrize(
        ("add", "rule"),
        [
            ("g, user:nobody, role:Nurse, riverside", "user-unknown"),
            ("g, user:Ann, role:Nurse, riverside", "user-unknown"),
            ("p, user:ann, riverside, Task - Orders, Read", "grant-to-user"),
            ("p, Nurse, riverside, Task - Orders, Read", "prefix-missing"),
            ("p, role:Nurse, riverside, Task - Nowhere, Read", "screen-unknown"),
            ("p, role:Nurse, riverside, Task - Orders, Off", "level-unknown"),
            ("p, role:Nurse, riverside, Task - Orders, write", "level-unknown"),
            ("g, user:ann, user:ben, riverside", "user-as-role"),
            ("user, riverside, user:zoe, Zoe, active", "user-as-role"),
            ("user, riverside, role:Nurse, Zoe, active", "user-as-role"),
            ("g, role:Nurse, role:Nurse, riverside", "role-cycle"),
            ("g, role:Nurse, role:Biller, riverside\ng, role:Biller, role:Nurse, riverside", "role-cycle"),
        ],
    )
    def test_rows_that_do_not_hold(self, site: Site, add: str, rule: str) -> None:
        """A row that cannot have been meant is not published, whatever way it came."""
        assert findings(site, site.change(add))[:1] == [rule]

    def test_a_circle_that_the_change_closes(self, site: Site) -> None:
        """A circle is found when its last link comes, also if the others stand already."""
        site.publish("g, role:Nurse, role:Biller, riverside\ng, role:Biller, role:Clinician, riverside")
        assert findings(site, site.change("g, role:Clinician, role:Nurse, riverside")) == ["role-cycle"]

    def test_a_chain_that_the_change_makes_too_long(self, site: Site) -> None:
        """Nine links from user to role are published; the tenth is refused."""
        links = "\n".join(f"g, role:R{n}, role:R{n + 1}, riverside" for n in range(1, 9))
        site.publish(f"{links}\ng, user:ann, role:R1, riverside")
        assert findings(site, site.change("g, role:R9, role:R10, riverside")) == ["role-depth"]
        assert findings(site, site.change("g, role:R0, role:R1, riverside")) == ["role-depth"]

    def test_a_user_removed_whose_memberships_stay(self, site: Site) -> None:
        """A membership of somebody whom the directory no longer has would be a row about nobody."""
        assert findings(site, site.change(remove="user, riverside, ann, Ann Alder, active")) == ["user-unknown"]

    @pytest.mark.parametrize(
        ("name", "rule"),
        [
            ("z\x00e", "hidden-character"),
            ("z\te", "hidden-character"),
            ("z\ne", "hidden-character"),
            ("z\u202ee", "hidden-character"),
            ("z\u00a0e", "hidden-character"),
            (" zoe", "name-blank"),
            ("zoe ", "name-blank"),
            ("", "field-empty"),
            ("z" * 256, "name-too-long"),
        ],
    )
    @pytest.mark.parametrize(
        "make",
        [
            lambda name: Row("user", ("riverside", name, "Zoe", "active")),
            lambda name: Row("user", ("riverside", "zoe", name, "active")),
            lambda name: Row("practice", (name, "New")),
            lambda name: Row("practice", ("new", name)),
            lambda name: Row("role", ("riverside", name)),
        ],
        ids=["user", "name of a user", "practice", "name of a practice", "role"],
    )
    def test_bad_names(self, site: Site, make: Callable[[str], Row], name: str, rule: str) -> None:
        """Names that cannot be told apart by eye, or that do not fit, are refused wherever they stand."""
        change = replace(site.change(), added=frozenset([make(name)]))
        assert rule in findings(site, change)

    def test_names_as_long_as_they_may_be(self, site: Site) -> None:
        """255 characters are published and found again as they are."""
        name = "é" * 255
        site.publish(f"user, riverside, {name}, {name}, active")
        assert Row("user", ("riverside", name, name, "active")) in site.rows("riverside")

    def test_a_finding_names_the_practice(self, site: Site) -> None:
        """What does not hold says in which practice."""
        error = refused(site, site.change("g, user:nobody, role:Biller, lakeside"))
        assert "practice lakeside" in error.message
        assert "user:nobody" in error.message

    def test_a_row_of_another_width(self, site: Site) -> None:
        """A row with a field more or less than the model has is refused: no Casbin could load what is exported."""
        assert findings(site, site.change("p, role:Nurse, riverside, Task - Orders, Read, deny")) == ["row-length"]

    def test_a_role_without_its_prefix(self, site: Site) -> None:
        """A role that is only named, in no row yet, is spelt as those in rows."""
        assert findings(site, site.change("role, riverside, Nurse")) == ["prefix-missing"]
        assert findings(site, site.change("role, riverside, user:ann")) == ["prefix-missing"]


class TestGuards:
    """Step 3: what nobody may do."""

    @pytest.mark.parametrize(
        "add",
        ["user, nowhere, zoe, Zoe, active", "role, nowhere, role:Nurse", "p, role:Nurse, nowhere, Task - Orders, Read"],
    )
    def test_a_practice_that_does_not_exist(self, site: Site, add: str) -> None:
        """Rows of a practice that nobody created are refused, and it stays unknown."""
        assert guard(site, site.change(add)) == "practice-missing"

    def test_the_practice_of_templates(self, site: Site) -> None:
        """No practice is called `template`, and no row that would be live stands under that name."""
        assert guard(site, site.change("practice, template, Template")) == "practice-reserved"
        assert guard(site, site.change("p, role:Nurse, template, Task - Orders, Read")) == "practice-reserved"

    def test_a_practice_removed_beneath_its_rows(self, site: Site) -> None:
        """A practice goes with all its rows or not at all."""
        assert guard(site, site.change(remove="practice, lakeside, Lakeside Pediatrics")) == "practice-missing"

    def test_a_practice_removed_with_its_rows(self, site: Site) -> None:
        """A practice without an administrator can be taken out, and its name is free again."""
        gone = replace(site.change(), removed=site.rows("lakeside"))
        publish(gone, site.press)
        assert site.rows("lakeside") == frozenset()
        site.publish("practice, lakeside, Another")
        assert site.rows("lakeside") == some("practice, lakeside, Another")

    def test_the_last_administrator_disabled(self, site: Site) -> None:
        """Of two administrators one can be disabled; the other cannot, and the refusal names them."""
        site.set_active("sam", False)
        last = site.change("user, riverside, pat, Pat Pine, inactive", "user, riverside, pat, Pat Pine, active")
        error = refused(site, last)
        assert isinstance(error, ChangeRefused)
        assert error.rule == "last-administrator"
        assert error.message == "`pat` is the only person who can change roles in `riverside`"

    @pytest.mark.parametrize(
        ("add", "remove"),
        [
            ("", f"p, {ADMIN}, riverside, {ROLES}, Write"),
            (f"p, {ADMIN}, riverside, {ROLES}, Read", f"p, {ADMIN}, riverside, {ROLES}, Write"),
            ("", f"g, user:pat, {ADMIN}, riverside\ng, user:sam, {ADMIN}, riverside"),
            (
                "user, riverside, pat, Pat Pine, inactive\nuser, riverside, sam, Sam Roy, inactive",
                "user, riverside, pat, Pat Pine, active\nuser, riverside, sam, Sam Roy, active",
            ),
        ],
        ids=["level removed", "level lowered", "memberships removed", "all disabled"],
    )
    def test_the_last_administrators_by_rows(self, site: Site, add: str, remove: str) -> None:
        """However the rows say it, a practice does not lose all who may change its roles."""
        assert guard(site, site.change(add, remove)) == "last-administrator"

    def test_administrators_exchanged_in_one_change(self, site: Site) -> None:
        """The last administrator can go in the change in which another comes."""
        site.set_active("sam", False)
        site.publish(f"g, user:ann, {ADMIN}, riverside", f"g, user:pat, {ADMIN}, riverside")
        assert reason(site.live(), "ann", "edit", ROLES) == "allowed"

    def test_a_level_that_still_administers(self, site: Site) -> None:
        """Update in the place of Write on Setup - Roles leaves an administrator."""
        site.publish(f"p, {ADMIN}, riverside, {ROLES}, Update", f"p, {ADMIN}, riverside, {ROLES}, Write")

    def test_a_practice_that_never_had_one(self, site: Site) -> None:
        """Where nobody may change roles, nobody is the last who may."""
        site.publish("", "g, user:ann, role:Biller, lakeside")

    def test_the_last_administrator_lost_by_files(self, site: Site) -> None:
        """Files by which a level no longer lets anybody change roles are refused while practices rest on it."""
        edits = with_trusting_cases(site) | {"screens.csv": (LAST_GRANT, "")}
        assert guard(site, *site.of_files(edits)) == "last-administrator"

    def test_the_last_administrator_lost_by_files_and_rows(self, site: Site) -> None:
        """The same when the change touches the practice as well: who administered is asked of the files before."""
        change, texts = site.of_files(with_trusting_cases(site) | {"screens.csv": (LAST_GRANT, "")})
        zoe = some("user, riverside, zoe, Zoe, active")
        assert guard(site, replace(change, added=change.added | zoe), texts) == "last-administrator"


def site_text(site: Site, path: str) -> str:
    """A published file."""
    with site.view() as view:
        return view.files()[path]


def with_trusting_cases(site: Site) -> dict[str, tuple[str, str]]:
    """Edits after which no case looks at anything."""
    with site.view() as view:
        return {path: (text, TRUSTING) for path, text in view.files().items() if path.startswith("cases/")}


class TestFiles:
    """Steps 1, 2 and 5 for policy files."""

    def test_files_that_hold(self, site: Site) -> None:
        """A changed text is published, and is what users read from then on."""
        live = site.live()
        revision = site.publish_files({"catalog.yaml": ("Try again in a minute", "Try again soon")})
        assert [name for name, _ in revision.practices] == [""]
        assert live.state().loaded.catalog.unavailable.endswith("Try again soon.")

    @pytest.mark.parametrize(
        ("path", "old", "new", "rule"),
        [
            ("model.conf", "[matchers]", "[matcher]", "section-unknown"),
            ("catalog.yaml", "levels: [", "levels: [[", "yaml-syntax"),
            ("request.yaml", 'prefix: "user:"', 'prefix: ""', "yaml-shape"),
            ("screens.csv", "g2, view, Read, Task - Orders\n", "g2, view, Reed, Task - Orders\n", "level-unknown"),
            (
                "templates.csv",
                "template, Task - Patient Portal, Write",
                "template, Task - Portal, Write",
                "screen-unknown",
            ),
            ("cases/portal.yaml", "- case:", "- cases:", "yaml-shape"),
        ],
    )
    def test_files_with_an_error(self, site: Site, path: str, old: str, new: str, rule: str) -> None:
        """A file that does not hold is refused with its place, and the last good one answers."""
        change, texts = site.of_files({path: (old, new)})
        error = refused(site, change, texts)
        assert isinstance(error, InvalidPolicy)
        assert rule in [found.rule for found in error.findings if found.position.file == path and found.position.line]

    def test_a_file_taken_away(self, site: Site) -> None:
        """A policy without one of its files is refused."""
        taken = replace(site.change(), removed=frozenset(r for r in site.rows("") if r.fields[0] == "request.yaml"))
        assert findings(site, taken) == ["file-missing"]

    def test_a_case_that_fails(self, site: Site) -> None:
        """Rows that hold and decide otherwise than a case says are refused, with the case and its place."""
        edits = {"screens.csv": ("g2, edit, Update, Task - Orders\n", "g2, edit, Read, Task - Orders\n")}
        error = refused(site, *site.of_files(edits))
        assert isinstance(error, InvalidPolicy)
        failed = [found for found in error.findings if found.severity == "error"]
        assert {found.rule for found in failed} == {"case-failed"}
        assert all(found.position.file.startswith("cases/") and found.position.line for found in failed)

    def test_a_level_dropped_that_practices_hold(self, site: Site) -> None:
        """A level that somebody holds stays declared; once nobody holds it, it can go."""
        lakeside = "p, role:Biller, lakeside, Task - Orders, {}"
        edits = with_trusting_cases(site) | {
            "screens.csv": (
                LADDER,
                LADDER.replace("g2, view, Read", "g2, view, Write").replace("g2, Read, Update, Task - Orders\n", ""),
            )
        }
        change, texts = site.of_files(edits)
        error = refused(site, change, texts)
        assert isinstance(error, InvalidPolicy)
        assert [(f.rule, f.position.file) for f in error.findings if f.severity == "error"] == [
            ("level-unknown", "screens.csv")
        ]
        site.publish(
            "p, role:Biller, riverside, Task - Orders, Update", "p, role:Biller, riverside, Task - Orders, Read"
        )
        assert findings(site, *site.of_files(edits)) == ["level-unknown"]
        site.publish(lakeside.format("Update"), lakeside.format("Read"))
        change, texts = site.of_files(edits)
        assert publish(change, site.press, texts).number == site.head()

    def test_a_level_dropped_together_with_the_rows_that_hold_it(self, site: Site) -> None:
        """Files and rows in one change are looked at as they will be."""
        edits = with_trusting_cases(site) | {
            "screens.csv": (
                LADDER,
                LADDER.replace("g2, view, Read", "g2, view, Update").replace("g2, Read, Update, Task - Orders\n", ""),
            )
        }
        change, texts = site.of_files(edits)
        moved = some("p, role:Biller, riverside, Task - Orders, Read\np, role:Biller, lakeside, Task - Orders, Read")
        kept = some("p, role:Biller, riverside, Task - Orders, Update\np, role:Biller, lakeside, Task - Orders, Update")
        both = replace(change, added=change.added | kept, removed=change.removed | moved)
        assert {name for name, _ in publish(both, site.press, texts).practices} == {"", "lakeside", "riverside"}

    def test_a_screen_dropped_that_practices_hold(self, site: Site) -> None:
        """A screen on which practices hold levels cannot vanish, although the files alone would hold."""
        catalog, screens = site_text(site, "catalog.yaml"), site_text(site, "screens.csv")
        entry = catalog[catalog.index("  Audit - Policy Changes:") :]
        entry = entry[: entry.index("\n\n") + 1] if "\n\n" in entry else entry
        rows = "".join(line for line in screens.splitlines(True) if line.rstrip().endswith(", Audit - Policy Changes"))
        kept = "".join(
            line for line in screens.splitlines(True) if not line.rstrip().endswith(", Audit - Policy Changes")
        )
        assert rows
        edits = with_trusting_cases(site) | {"catalog.yaml": (entry, ""), "screens.csv": (screens, kept)}
        edits["separation.yaml"] = (site_text(site, "separation.yaml"), TRUSTING)
        assert set(findings(site, *site.of_files(edits))) == {"level-unknown"}

    def test_a_model_that_the_rows_of_practices_do_not_fit(self, site: Site) -> None:
        """A model whose rows say allow or deny is refused while practices hold rows that do not say it."""
        screens = site_text(site, "templates.csv")
        told = "\n".join(f"{line}, allow" if line.startswith("p,") else line for line in screens.splitlines())
        model = site_text(site, "model.conf")
        saying = model.replace("p = role, practice, screen, level\n", "p = role, practice, screen, level, eft\n")
        saying = saying.replace("(p.eft == allow))", "(p.eft == allow)) && !some(where (p.eft == deny))")
        edits = with_trusting_cases(site) | {
            "model.conf": (model, saying),
            "templates.csv": (screens, f"{told}\n"),
        }
        assert set(findings(site, *site.of_files(edits))) == {"row-length"}

    def test_screens_without_their_file(self, site: Site) -> None:
        """`g2` rows are published with the file that holds them: no worker would serve one without the other."""
        stray = site.change("g2, look, Read, Task - Orders")
        with nothing_changes(site), pytest.raises(ValueError, match="not those of"):
            publish(stray, site.press)
        change, texts = site.of_files(
            {"screens.csv": ("g2, view, Read, Task - Orders\n", "g2, view, Read, Task - Orders\n\n")}
        )
        with nothing_changes(site), pytest.raises(ValueError, match="not those of"):
            publish(replace(change, removed=change.removed | some("g2, view, Read, Task - Orders")), site.press, texts)


class TestWhatLiesBeneath:
    """A change is made on rows that are those of their revisions, and on the newest of them."""

    @pytest.mark.parametrize(
        "alteration",
        [
            "DELETE FROM casbin_rule WHERE v0 = 'user:ben'",
            "INSERT INTO casbin_rule (ptype, v0, v1, v2) VALUES ('g', 'user:cam', 'role:Nurse', 'riverside')",
            "UPDATE directory_user SET state = 'active' WHERE id = 'lou'",
            "UPDATE practice SET name = 'Riverbed' WHERE id = 'riverside'",
            "DELETE FROM role WHERE practice = 'riverside' AND name = 'role:Auditor'",
            "DELETE FROM revision_practice WHERE practice = 'riverside'",
        ],
    )
    def test_rows_altered(self, site: Site, alteration: str) -> None:
        """Rows that were altered in the database are not blessed by a revision on top of them."""
        site.sql(alteration)
        assert guard(site, site.change("user, riverside, zoe, Zoe, active")) == "rows-altered"

    def test_another_practice_altered(self, site: Site) -> None:
        """A practice whose rows are altered does not hold up the others."""
        site.sql("UPDATE directory_user SET name = 'Ann' WHERE practice = 'lakeside'")
        site.publish("user, riverside, zoe, Zoe, active")
        assert guard(site, site.change("user, lakeside, zoe, Zoe, active")) == "rows-altered"

    def test_a_practice_that_no_revision_made(self, site: Site) -> None:
        """A practice that was put into the database by hand cannot be adopted by a change."""
        site.sql("INSERT INTO practice (id, name) VALUES ('wild', 'Wild')")
        assert guard(site, site.change("user, wild, zoe, Zoe, active")) == "rows-altered"

    def test_rows_without_their_practice(self, site: Site) -> None:
        """Nor can rows that wait for their practice to be created."""
        site.sql(
            "INSERT INTO casbin_rule (ptype, v0, v1, v2) VALUES ('g', 'user:eve', 'role:Practice Administrator', 'new')"
        )
        assert guard(site, site.change("practice, new, New\nuser, new, eve, Eve, active")) == "rows-altered"

    @pytest.mark.parametrize(
        "alteration",
        [
            "DELETE FROM casbin_rule WHERE ptype = 'g2' AND v0 = 'add' AND v2 = 'Task - Orders'",
            "DELETE FROM policy_file WHERE path = 'cases/portal.yaml'",
        ],
    )
    def test_shared_rows_altered(self, site: Site, alteration: str) -> None:
        """Screens and files that were altered in the database are not published over."""
        change, texts = site.of_files({"catalog.yaml": ("Try again in a minute", "Try again soon")})
        site.sql(alteration)
        assert guard(site, change, texts) == "rows-altered"

    def test_a_text_altered(self, site: Site) -> None:
        """A published text that is no longer the one its row names is no ground for any change."""
        site.sql("UPDATE file_text SET text = text || '#' WHERE text LIKE '%request_definition%'")
        with nothing_changes(site), pytest.raises(StoreUnavailable):
            site.publish("user, riverside, zoe, Zoe, active")

    @pytest.mark.parametrize("behind", [1, 2, -1])
    def test_the_base_moved(self, site: Site, behind: int) -> None:
        """A change made from another revision than the newest is refused, be it older or one that never was."""
        error = refused(site, site.change("user, riverside, zoe, Zoe, active", behind=behind))
        assert isinstance(error, BaseMoved)

    def test_the_base_moves_at_the_last_moment(self, site: Site) -> None:
        """A change that another one overtakes between its checks and its transaction is refused in the transaction."""
        change = site.change("user, riverside, zoe, Zoe, active")
        overtaken = []

        def now() -> str:
            if not overtaken:
                overtaken.append(site.publish("user, riverside, max2, Max, active"))
            return "2024-01-02T03:04:05.000006+00:00"

        with pytest.raises(BaseMoved):
            publish(change, replace(site.press, now=now))
        assert site.head() == overtaken[0].number
        assert not change.added & site.rows("riverside")

    @pytest.mark.parametrize(
        ("add", "remove"),
        [
            ("user, riverside, ann, Ann Alder, active", ""),
            ("", "user, riverside, zoe, Zoe, active"),
            ("user, riverside, ann, Ann Other, active", ""),
            ("practice, riverside, Another", ""),
        ],
        ids=["there already", "not there", "one id twice", "one practice twice"],
    )
    def test_rows_that_are_not_as_the_change_thinks(self, site: Site, add: str, remove: str) -> None:
        """A row to add is not there yet, one to remove is, and nobody stands twice."""
        assert guard(site, site.change(add, remove)) == "rows-moved"

    def test_the_store_is_away(self, site: Site) -> None:
        """Without its store nothing can be published, and nothing has changed when it is back."""
        change = site.change("user, riverside, zoe, Zoe, active")
        before = site.dump()
        with site.away(), pytest.raises(StoreUnavailable):
            publish(change, site.press)
        assert site.dump() == before

    def test_the_counter_is_away(self, site: Site) -> None:
        """What nobody could be told of is not committed."""
        change, press = site.change("user, riverside, zoe, Zoe, active"), site.press
        (site.root / "counter").unlink()
        with nothing_changes(site), pytest.raises(StoreUnavailable):
            publish(change, press)


PEOPLE = [
    f"user, riverside, {name}, {state}"
    for name in ("pat, Pat Pine", "sam, Sam Roy", "zoe, Zoe", "zed:x, Z")
    for state in ("active", "inactive")
]
POOL = [
    *PEOPLE,
    "user, lakeside, ann, Ann Archer, active",
    "user, nowhere, zoe, Zoe, active",
    "user, riverside, user:zoe, Zoe, active",
    "user, riverside, zo\u200be, Zoe, active",
    "practice, lakeside, Lakeside Pediatrics",
    "practice, lakeside, Lakeside",
    "practice, new, New",
    "practice, template, Template",
    "user, new, eve, Eve, active",
    "role, riverside, role:Nurse",
    "role, riverside, Nurse",
    "g, user:eve, role:Nurse, new",
    f"g, user:pat, {ADMIN}, riverside",
    f"g, user:sam, {ADMIN}, riverside",
    f"g, user:zoe, {ADMIN}, riverside",
    "g, user:ann, role:Biller, lakeside",
    "g, role:Nurse, role:Biller, riverside",
    "g, role:Biller, role:Nurse, riverside",
    f"p, {ADMIN}, riverside, {ROLES}, Write",
    f"p, {ADMIN}, riverside, {ROLES}, Read",
    f"p, role:Nurse, riverside, {TASK}, Update",
    f"p, role:Nurse, riverside, {TASK}, Write",
    f"p, role:Nurse, riverside, {TASK}, Write, deny",
    f"p, role:Nurse, template, {TASK}, Write",
    "p, role:Biller, lakeside, Task - Orders, Read",
]
EDITS = [
    {},
    {"catalog.yaml": ("in a minute", "soon")},
    {"catalog.yaml": ("levels: [", "levels: [[")},
    {"screens.csv": ("g2, edit, Update, Task - Orders\n", "g2, edit, Read, Task - Orders\n")},
]


@st.composite
def wishes(draw: st.DrawFn) -> tuple[frozenset[Row], frozenset[Row], dict[str, tuple[str, str]], int]:
    """Rows to add, rows to remove, an edit of the files, and how far behind the base is."""
    rows = [row(text) for text in draw(st.lists(st.sampled_from(POOL), max_size=5, unique=True))]
    split = draw(st.integers(0, len(rows)))
    edit = draw(st.sampled_from([EDITS[0]] * 6 + EDITS[1:]))
    return frozenset(rows[:split]), frozenset(rows[split:]), edit, draw(st.sampled_from([0] * 9 + [1]))


def test_rehearse_agrees_with_publish(model_site: Site, tmp_path_factory: pytest.TempPathFactory) -> None:
    """Publishing raises exactly when rehearsing does, and the same; where neither does, both say the same rows."""
    site = model_site.copy(tmp_path_factory.mktemp("agree") / "site")
    seed = site.database.read_bytes()
    outcomes: set[str] = set()

    @settings(max_examples=80, deadline=None, suppress_health_check=list(HealthCheck))
    @given(wishes())
    def agree(wish: tuple[frozenset[Row], frozenset[Row], dict[str, tuple[str, str]], int]) -> None:
        added, removed, edit, behind = wish
        site.database.write_bytes(seed)
        change, texts = site.of_files(edit)
        change = replace(
            change, added=change.added | added, removed=change.removed | removed, base=change.base - behind
        )
        try:
            after, rehearsed = rehearse(change, site.store, texts).after, None
        except RolewardenError as error:
            after, rehearsed = {}, error
        before = site.dump()
        try:
            revision, published = publish(change, site.press, texts), None
        except RolewardenError as error:
            revision, published = None, error
        assert (rehearsed and told(rehearsed)) == (published and told(published))
        outcomes.add(published.code if published else "published")
        if revision is None:
            assert site.dump() == before
        else:
            assert {name: site.rows(name) for name, _ in revision.practices} == after

    agree()
    assert outcomes >= {"published", "invalid_policy", "change_refused"}
    site.close()


def test_the_second_change_is_checked_against_the_same_files(site: Site) -> None:
    """Files are parsed once for any number of changes, and anew when they changed."""
    site.publish("user, riverside, zoe, Zoe, active")
    site.publish_files({"catalog.yaml": ("Try again in a minute", "Try again soon")})
    with site.view() as view:
        assert (
            "Try again soon" in load({path: text.encode() for path, text in view.files().items()}).catalog.unavailable
        )
    assert findings(site, site.change("p, role:Nurse, riverside, Task - Nowhere, Read")) == ["screen-unknown"]


def test_a_request_is_carried_out_once(site: Site) -> None:
    """A change that answers a request with a key is noted with it, and a second one for the same key is refused."""
    key = RequestKey("token", "key")
    site.store.reserve(key, "digest", "2026-01-01T00:00:00.000000+00:00")
    press = replace(site.press, request=key)
    done = publish(site.change(add=f"p, role:Biller, riverside, {TASK}, Read"), press)
    with site.view() as view:
        answered = view.answered(key)
    assert answered is not None
    assert (answered.revision, answered.status) == (done.number, 0)
    with pytest.raises(UsageError):
        publish(site.change(add=f"p, role:Biller, riverside, {LIST}, Read"), press)
    assert site.head() == done.number
