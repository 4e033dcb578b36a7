import re

import pytest

from service.audit.events import AuditEvent


@pytest.mark.parametrize("event", AuditEvent)
def test_names_have_a_grammar(event: AuditEvent) -> None:
    """Part, thing and verb, in small letters."""
    assert re.fullmatch("[a-z]+:[a-z]+:[a-z]+", event)
