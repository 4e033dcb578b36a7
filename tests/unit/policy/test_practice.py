"""A practice, read from its rows."""

from service.policy.practice import Practice
from service.values import Row
from tests.unit.site import LIST, TASK, some

ROWS = some(
    f"""practice, riverside, Riverside Family Practice
    user, riverside, zoe, Zoe Zander, active
    user, riverside, ann, ann Alder, active
    user, riverside, lou, Lou Lark, inactive
    role, riverside, role:Nurse
    role, riverside, role:Empty
    role, riverside, role:Lead Nurse
    p, role:Nurse, riverside, {LIST}, Read
    p, role:Nurse, riverside, {TASK}, Update
    g, user:ann, role:Nurse, riverside
    g, user:zoe, role:Lead Nurse, riverside
    g, role:Lead Nurse, role:Nurse, riverside"""
)
OTHERS = some("practice, lakeside, Lakeside\nuser, lakeside, ann, Ann Archer, active")


def practice() -> Practice:
    """Riverside, of all rows that there are."""
    return Practice.of("riverside", ROWS | OTHERS)


def test_only_its_own_rows() -> None:
    """Rows of another practice are left aside, and so the same id there is nobody here."""
    assert practice().rows == ROWS
    assert practice().users["ann"].name == "ann Alder"


def test_users_by_name() -> None:
    """Users come in the order of their names, capitals or not, with whether they are active."""
    assert [(user.id, user.active) for user in practice().users.values()] == [
        ("ann", True),
        ("lou", False),
        ("zoe", True),
    ]


def test_roles() -> None:
    """A role has its levels, the users in it, and the roles that it is in; one without any of these is a role."""
    roles = practice().roles
    assert list(roles) == ["Empty", "Lead Nurse", "Nurse"]
    assert roles["Nurse"].levels == {LIST: "Read", TASK: "Update"}
    assert (roles["Nurse"].members, roles["Lead Nurse"].within) == ({"ann"}, {"Nurse"})
    assert (practice().level("Nurse", LIST), practice().level("Empty", LIST)) == ("Read", "Off")
    assert practice().level("Nobody", LIST) == "Off"


def test_two_levels_on_one_screen() -> None:
    """Of two levels that rows give a role on a screen, it is always the last by name that is shown."""
    names = [f"Role {number}" for number in range(12)]
    rows = "\n".join(f"p, role:{name}, riverside, {LIST}, {level}" for name in names for level in ("Write", "Read"))
    assert {role.levels[LIST] for role in Practice.of("riverside", some(rows)).roles.values()} == {"Write"}


def test_a_role_within_a_role() -> None:
    """Who is in a role that is in another has both, and was put into one."""
    assert practice().reached_by("zoe") == {"Lead Nurse", "Nurse"}
    assert practice().roles_of("zoe") == ("Lead Nurse",)


def test_what_a_role_gives() -> None:
    """What its levels open, and those of the roles that it is in; one that there is not gives nothing."""
    granted = {(LIST, "Read"): {"open_queue"}, (TASK, "Update"): {"respond"}, (TASK, "Write"): {"open_message"}}
    both = {(LIST, "open_queue"), (TASK, "respond")}
    assert practice().gives("Nurse", granted) == practice().gives("Lead Nurse", granted) == both
    assert practice().gives("Empty", granted) == practice().gives("Nobody", granted) == set()


def test_what_a_role_denies() -> None:
    """A row that denies is no level of its role, which is a role all the same."""
    rows = some(f"p, role:Nurse, riverside, {LIST}, Read, deny\np, role:Nurse, riverside, {TASK}, Read, allow")
    roles = Practice.of("riverside", rows | some(f"p, role:Barred, riverside, {TASK}, Read, deny")).roles
    assert (roles["Nurse"].levels, roles["Nurse"].denied) == ({TASK: "Read"}, {(LIST, "Read")})
    assert (roles["Barred"].levels, roles["Barred"].denied) == ({}, {(TASK, "Read")})


def test_what_a_role_denies_it_does_not_give() -> None:
    """Neither by itself nor by a role that it is in."""
    granted = {(LIST, "Read"): {"open_queue"}, (TASK, "Update"): {"respond"}, (TASK, "Read"): {"respond"}}
    denying = Practice.of("riverside", ROWS | some(f"p, role:Lead Nurse, riverside, {TASK}, Read, deny"))
    assert denying.gives("Nurse", granted) == {(LIST, "open_queue"), (TASK, "respond")}
    assert denying.gives("Lead Nurse", granted) == {(LIST, "open_queue")}


def test_a_practice_that_is_not_there() -> None:
    """Without rows there is nobody, and the id stands for the name."""
    empty = Practice.of("hilltop", [Row("practice", ("lakeside", "Lakeside"))])
    assert (empty.name, empty.users, empty.roles) == ("hilltop", {}, {})
