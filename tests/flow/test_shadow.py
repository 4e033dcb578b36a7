"""An EHR that still decides by itself: what differs is taken down by every worker, and no answer shows it."""

import json

from service import shadow
from service.shadow import Difference
from tests.flow.harness import TASK, Home, question, serving


def test_what_differs_is_taken_down(home: Home) -> None:
    """Each worker's differences are in the report, those of the last moment too; the answers are as without them."""
    with serving(home, "check", "--demo") as service:
        for client in service.clients_of_every_worker().values():
            plain = client.ask("ann", "respond", TASK)
            for legacy in (True, False, "no"):
                asked = json.loads(question("ann", "respond", TASK, "riverside"))
                asked["context"]["legacy_decision"] = legacy
                answer = client.post(json.dumps(asked).encode())
                assert (answer.status, answer.body) == (plain.status, plain.body)
        client = next(iter(service.clients_of_every_worker().values()))
        metrics = client.get("/metrics").body.decode()
        assert service.stop() == 0
    assert 'rolewarden_shadow_answers_total{what="gained"} 2.0' in metrics
    found = shadow.read(home.var / "shadow")
    assert found.differ == {Difference("riverside", "ann", TASK, "respond", gained=True): 2}
    assert found.same == {"riverside": 2}
    report = home.run("shadow", "report", "--practice", "riverside")
    assert (report.returncode, "1 user would gain" in report.stdout) == (1, True)
