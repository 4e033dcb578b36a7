"""The admin API against its own description: requests of every shape, and no answer outside the schema.

`SCHEMATHESIS_EXAMPLES` sets how many requests each operation gets. Few are the same in each run; more are random.
"""

import os
import sys
import tempfile
from collections import Counter
from functools import lru_cache
from pathlib import Path
from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, settings
from schemathesis.config import SchemathesisConfig

from service.api.openapi import document
from tests.contract.admin.api import Api
from tests.unit.site import make

EXAMPLES = int(os.environ.get("SCHEMATHESIS_EXAMPLES", "25"))
KNOWN = {
    "role": ["Front Desk", "Nurse", "Biller", "Cover"],
    "user": ["ann", "ben", "cam", "zoe"],
    "id": ["ann", "zoe"],
    "name": ["Front Desk", "Cover"],
    "screen": ["Task - Orders", "Task - Patient Portal"],
    "level": ["Off", "Read", "Write"],
    "template": ["", "Patient Portal Full Access"],
    "like": ["", "Nurse"],
    "to": ["Cover", "Front Desk"],
    "reason": ["New starter"],
    "reference": ["HR-7"],
    "on_behalf_of": ["pat", "ann"],
}
"""Names that exist, or come to exist, by the parameter or member that may hold them."""

CONFIG = {
    "checks": {
        "missing_required_header": {"expected-statuses": ["400", "401", "406", "415", "428"]},
        # What holds as JSON can still be what no practice has, or be made from a change that is not the newest.
        "positive_data_acceptance": {
            "expected-statuses": ["2xx", "304", "400", "403", "404", "409", "412", "422"],
        },
    },
    "generation": {"mode": "all"},
}

described = schemathesis.openapi.from_dict(document(), config=SchemathesisConfig.from_dict(CONFIG))


@lru_cache(maxsize=1)
def api() -> Api:
    """The API that is asked: one for each process, in a folder of its own."""
    return Api(make(Path(tempfile.mkdtemp(prefix="rolewarden-")) / "site"))


def application(environ: Any, start_response: Any) -> Any:
    """The application, made when it is first asked."""
    return api().app(environ, start_response)


described.app = application


@described.hook
def filter_query(_context: Any, query: dict[str, Any] | None) -> bool:
    """Whether every parameter is sent: an empty list is not, and the request would then hold although it should not."""
    return all(value not in (None, [], {}, [None]) for value in (query or {}).values())


def aim(case: Any, seed: int) -> None:
    """Let most requests that hold be about something that exists, from the newest change: they get further."""
    if seed % 4 == 0 or not case.meta.generation.mode.is_positive:
        return
    if case.path_parameters and "practice" in case.path_parameters:
        case.path_parameters["practice"] = "riverside"
    if case.headers and "If-Match" in case.headers:
        case.headers["If-Match"] = f'"{api().change()}"'
    for held in (case.query, *edits(case.body)):
        for name in sorted(set(held or ()) & KNOWN.keys()):
            held[name] = KNOWN[name][seed // 4 % len(KNOWN[name])]
        if held and seed % 3:
            held.pop("on_behalf_of", None)


def edits(body: Any) -> list[dict[str, Any]]:
    """The objects in a body that hold names: itself, and its edits."""
    if not isinstance(body, dict):
        return []
    inner = body.get("edits")
    return [each for each in [body, *(inner if isinstance(inner, list) else [])] if isinstance(each, dict)]


TOLD: Counter[int] = Counter()


@described.parametrize()
@settings(
    max_examples=EXAMPLES,
    deadline=None,
    derandomize=EXAMPLES <= 100,
    suppress_health_check=list(HealthCheck),
    phases=[Phase.explicit, Phase.generate],
)
def test_no_answer_is_outside_the_schema(case: Any) -> None:
    """Whatever is asked, the answer is one that the description has, and none is an error of ours."""
    aim(case, sum(TOLD.values()))
    answer = case.call_and_validate(headers={"Authorization": f"Bearer {api().everything}"})
    TOLD[answer.status_code] += 1


@pytest.fixture(autouse=True, scope="module")
def measured() -> Any:
    """Say how many answers of which status there were; `-rP` shows it."""
    yield
    sys.stdout.write(f"measured: {sum(TOLD.values())} requests: {dict(sorted(TOLD.items()))}\n")
