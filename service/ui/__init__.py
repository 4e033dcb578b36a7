"""The pages of the Setup part: plain functions from a `Visit` to a `Reply`, by (method, path) of their endpoint.

A page knows no server and opens nothing itself. `VIEWS` puts together what the modules contribute; `setup_web` holds it
against the table of endpoints, so that neither a page without a row nor a row without a page gets through.
"""

from __future__ import annotations

from collections.abc import Mapping

from service.access.person import View
from service.ui import (
    change,
    changes,
    events,
    home,
    limit,
    role,
    roles,
    saving,
    signin,
    static,
    trying,
    undoing,
    upgrading,
    user,
    users,
)

_PAGES = (
    change,
    changes,
    events,
    home,
    limit,
    role,
    roles,
    saving,
    signin,
    static,
    trying,
    undoing,
    upgrading,
    user,
    users,
)

VIEWS: Mapping[tuple[str, str], View] = {name: view for module in _PAGES for name, view in module.VIEWS.items()}
