from service import folder
from service.decision.trial import mutate, ruleset, run_cases, snapshot
from service.policy.bundle import Bundle
from tests.unit.site import LIST, SHIPPED, load, row, some

FILES = folder.read(SHIPPED)
BUNDLE = load(FILES)
ASIDE = {path: b"[]\n" for path in FILES if path.startswith("cases/")}
WORLD = some(
    f"""user, hill, ann, Ann, active
    user, dale, ann, Ann, active
    g, user:ann, role:R, hill
    p, role:R, hill, {LIST}, Write"""
)


def case(rows: str, more: str) -> str:
    """A file with one case: its rows, and the rest of it."""
    indented = "".join(f"    {line}\n" for line in rows.splitlines())
    return f"- case: c\n  why: w\n  rows: |\n{indented}{more}\n"


GRANT, MEMBER = f"p, role:R, hill, {LIST}, Write", "g, user:ann, role:R, hill"
ASKED = f"hill, ann, open_queue, {LIST}"


def edited(**texts: tuple[str, str]) -> Bundle:
    """The shipped folder with edits: `screens=(old, new)`."""
    files = dict(FILES)
    for name, (old, new) in texts.items():
        path = next(path for path in files if path.rpartition(".")[0] == name.replace("__", "/"))
        assert old.encode() in files[path]
        files[path] = files[path].replace(old.encode(), new.encode())
    return load(files)


def with_case(text: str) -> Bundle:
    """The shipped files with these cases alone."""
    return load(FILES | ASIDE | {"cases/portal.yaml": text.encode()})


class TestSnapshot:
    def test_of_a_world(self) -> None:
        """Rows of several practices become a division each, under the revision that was said."""
        world = snapshot(ruleset(BUNDLE), WORLD, 7)
        assert set(world.divisions) == {"hill", "dale"}
        assert world.decide(("user:ann", "hill", LIST, "open_queue")).allowed
        refused = world.decide(("user:ann", "dale", LIST, "open_queue"))
        assert (refused.allowed, refused.revision) == (False, 7)


class TestCases:
    def test_the_shipped_ones_hold(self) -> None:
        """The shipped policy does what its cases say, and there are some."""
        assert run_cases(BUNDLE) == []
        assert len(BUNDLE.cases) > 10

    def test_a_policy_that_decides_otherwise(self) -> None:
        """Each expectation that does not hold is a finding at its own place, and says why it matters."""
        found = run_cases(edited(screens=(f"g2, open_queue, Write, {LIST}", f"g2, Update, Write, {LIST}")))
        assert found
        assert {one.rule for one in found} == {"case-failed"}
        assert len({one.position for one in found}) == len(found)
        assert all(one.position.file.startswith("cases/") and one.position.line and one.mend for one in found)

    def test_an_unexpected_allow(self) -> None:
        """`may_not` fails where the policy allows."""
        text = case(f"{GRANT}\n{MEMBER}", f"  may_not:\n    - {ASKED}")
        (found,) = run_cases(with_case(text))
        assert (found.position.file, found.position.line) == ("cases/portal.yaml", 7)
        assert found.mend == "w"

    def test_a_refusal_for_another_reason(self) -> None:
        """A refusal is right only for the reason that the case names."""
        text = case(MEMBER, "  may_not:\n    - {}" + ASKED)
        assert run_cases(with_case(text.format(""))) == []
        assert len(run_cases(with_case(text.format("unknown_user: ")))) == 1

    def test_templates_in_a_case(self) -> None:
        """The templates that a case names are made for its practice, and those that it does not are not."""
        text = case("g, user:ann, role:Patient Portal Full Access, hill", "{}  may:\n    - " + ASKED)
        assert len(run_cases(with_case(text.format("")))) == 1
        assert run_cases(with_case(text.format("  templates: {hill: [Patient Portal Full Access]}\n"))) == []


class TestMutation:
    def test_no_shipped_row_can_change_unnoticed(self) -> None:
        """Each row of screens and templates is guarded by a case, also against another level in its place."""
        mutation = mutate(BUNDLE)
        assert mutation.unnoticed == ()
        assert mutation.rows == len(BUNDLE.shared.rows) + len(BUNDLE.templates.rows)

    def test_without_cases_every_row_can(self) -> None:
        """Without cases every row that means anything could change; the place and the changes are told."""
        mutation = mutate(load(FILES | ASIDE))
        assert len(mutation.unnoticed) == mutation.rows
        of_list = next(mutant for mutant in mutation.unnoticed if mutant.row == row(f"g2, open_queue, Write, {LIST}"))
        assert (of_list.position.file, of_list.changes[0]) == ("screens.csv", None)
        assert of_list.position.line

    def test_what_comes_to_the_same(self) -> None:
        """Read in the place of Write where Read acts as Write is no change that anybody could notice."""
        mutation = mutate(load(FILES | ASIDE))
        template = row(f"p, role:Patient Portal Full Access, template, {LIST}, Write")
        (mutant,) = (mutant for mutant in mutation.unnoticed if mutant.row == template)
        assert mutant.changes == (None,)

    def test_a_case_that_notices(self) -> None:
        """A case takes the rows that it rests on off the list, and no others."""
        text = case(f"{GRANT}\n{MEMBER}", f"  may:\n    - {ASKED}")
        unnoticed = {mutant.row for mutant in mutate(with_case(text)).unnoticed}
        assert row(f"g2, open_queue, Write, {LIST}") not in unnoticed
        assert row("g2, view, Read, Task - Orders") in unnoticed
