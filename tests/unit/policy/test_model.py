from service.policy.model import Effect, parse

SHIPPED = """# who may do what
[request_definition]
r = user, practice, screen, action

[policy_definition]
p = role, practice, screen, level, eft

[role_definition]
g = _, _, _
g2 = _, _, _

[policy_effect]
e = some(where (p.eft == allow)) && !some(where (p.eft == deny))

[matchers]
m = r.screen == p.screen && r.practice == p.practice \\
    && g(r.user, p.role, r.practice) \\
    && g2(r.action, p.level, r.screen)
"""


def test_a_model_is_read() -> None:
    """Fields, role definitions, effect and effect column are read; comments and blank lines are passed over."""
    model, found = parse("model.conf", SHIPPED)
    assert model is not None
    assert not found
    assert model.widths == {"p": 5, "g": 3, "g2": 3}
    assert (model.effect, model.effect_column) == (Effect.ALLOW_AND_DENY, 4)


def test_line_ends_of_windows_mean_the_same() -> None:
    """A model saved with CRLF is the same model."""
    one, _ = parse("model.conf", SHIPPED)
    other, _ = parse("model.conf", SHIPPED.replace("\n", "\r\n"))
    assert one is not None
    assert other is not None
    assert (one.matcher, one.widths, one.effect) == (other.matcher, other.widths, other.effect)


def test_a_finding_in_a_continued_line_is_placed_there() -> None:
    """A matcher over several lines is blamed on the line and column where the trouble stands."""
    _, [found] = parse("model.conf", SHIPPED.replace("&& g2(r.action", "&& g2(r.aktion"))
    assert (str(found.position), found.found) == (
        "model.conf:18:11",
        "`r.aktion`, a field that the model does not define",
    )


def test_what_is_missing_is_named() -> None:
    """A model without a matcher is asked for one, under its section."""
    model, [found] = parse("model.conf", SHIPPED.partition("m = ")[0])
    assert model is None
    assert (found.rule, found.mend) == ("model-incomplete", "define it under [matchers]")


def test_a_second_definition_is_refused() -> None:
    """Casbin keeps the last of two definitions of one name; we refuse the second."""
    _, [found] = parse("model.conf", SHIPPED.replace("g2 =", "g ="))
    assert (found.rule, found.position.line, found.found) == ("model-syntax", 10, "`g` is defined twice")
