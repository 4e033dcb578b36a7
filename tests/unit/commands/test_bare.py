from tests.unit.commands.line import CommandLine
from tests.unit.site import SHIPPED

CERTIFICATION = SHIPPED / "examples" / "authzen-certification"


def test_it_is_asked_from_the_command_line(demo: CommandLine) -> None:
    """`rolewarden ask` takes `-` for the practice, and says which rows decided and what they were asked."""
    options = ("ask", "--policies", str(CERTIFICATION))
    out = demo(*options, "--trace", "-", "bob", "write", "record-2").stdout.splitlines()
    assert out[0] == "`bob` may `write` `record-2`: the policy allows it."
    assert "  p, admin, write, archived" in out
    assert "  r.sub.role = admin" in out
    assert "  r.act.soft = (missing)" in out
    refused = demo(*options, "-", "zed", "read", "record-1", code=2).stdout
    assert refused == "`zed` may not `read` `record-1`: there is no such subject.\n"
    assert "no practices" in demo(*options, "riverside", "bob", "read", "record-1", code=1).stderr


def test_check_says_what_it_reads(demo: CommandLine) -> None:
    """`rolewarden check` says which attributes a policy reads, how rows are found, and that stock Casbin agrees."""
    out = demo("check", str(CERTIFICATION), "--with-casbin", "--mutate").stdout
    assert "reads subject.role, resource.status and action.soft attributes; rows are indexed" in out
    assert "questions: 0 differ" in out
    assert "0 of 7 rows could change without any case noticing" in out
    assert "7 rows and 6 cases" in out
