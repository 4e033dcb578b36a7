"""The demonstration, published into a store of its own, so that doors can be asked about it."""

from dataclasses import dataclass, replace
from hashlib import sha256
from pathlib import Path

from service import folder
from service.access import tokens
from service.audit.chain import rows_digest
from service.config import Settings
from service.policy import bundle
from service.store.base import Draft
from service.store.counter import Counter
from service.store.sql import Store
from service.values import Change, How, Row

POLICIES = Path(__file__).parents[3] / "policies"
NOW = "2026-01-11T08:00:00.000000+00:00"


@dataclass(frozen=True)
class Demonstration:
    """A home folder with a published policy, and the texts of two tokens for it."""

    settings: Settings
    token: str
    lakeside_token: str

    def having(self, **changed: object) -> Settings:
        """The settings, with some of them changed."""
        return replace(self.settings, **changed)


def publish(home: Path, environ: dict[str, str] | None = None) -> Demonstration:
    """Publish `policies/` with its demonstration as revision 1, and make a token for all and one for `lakeside`."""
    settings = Settings.from_environ({"ROLEWARDEN_HOME": str(home), **(environ or {})})
    policy, _ = bundle.load(folder.read(POLICIES))
    assert policy is not None
    rows = [*policy.shared.rows, *_file_rows(policy.texts)]
    rows += [row for world in policy.worlds for row in world.rows()]
    rows += [Row("role", (row.practice, row.fields[0])) for row in rows if row.kind == "p"]
    digests = {row.practice: "" for row in rows}
    for practice in digests:
        digests[practice] = rows_digest(row for row in rows if row.practice == practice)
    change = Change(frozenset(rows), frozenset(), actor="operator:test", how=How.DEMO, base=0)
    store = Store.open(settings.store_url, create=True)
    Counter.create(settings.counter).close()
    store.commit(Draft(change, NOW, tuple(sorted(digests.items()))), policy.texts)
    everything, token = tokens.mint("ehr", None, NOW)
    lakeside, lakeside_token = tokens.mint("lakeside-ehr", frozenset({"lakeside"}), NOW)
    store.add_token(everything)
    store.add_token(lakeside)
    store.close()
    return Demonstration(settings, token, lakeside_token)


def _file_rows(texts: dict[str, str]) -> list[Row]:
    return [Row("file", (path, sha256(text.encode()).hexdigest())) for path, text in texts.items()]
