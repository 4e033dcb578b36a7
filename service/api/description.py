"""The description of the check part for tools: `description.yaml` beside this file, as JSON.

It is written by hand and held to what is served by tests, so that nothing is derived from code that a caller cannot
see. It names no server: whoever reads it has found us already.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path

import yaml

from service.api.wire import JSON, write_json
from service.exchange import Reply

FILE = Path(__file__).with_name("description.yaml")


def description() -> Reply:
    """The whole document."""
    return Reply(200, {"Content-Type": JSON}, _document())


@cache
def _document() -> bytes:
    return write_json(yaml.safe_load(FILE.read_text(encoding="utf-8")))
