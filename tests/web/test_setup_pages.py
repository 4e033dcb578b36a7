"""Every page of Setup as people see it: read by axe in light and dark, at a desk and on a phone, and photographed."""

import pytest

from service.policy.edits import AddMember, SetLevel, dumped
from service.store.base import KeptDraft
from tests.flow.harness import LIST, TASK, Service
from tests.web.browsers import DESK, PHONE, Window
from tests.web.conftest import Open
from tests.web.long import ARABIC_ROLE, HOSTILE_ROLE, hostile, put

PAGES = {
    "roles": "roles",
    "found": "roles?find=Patient+Portal",
    "screen": f"roles?screen={TASK}",
    "adding": f"roles?screen={LIST}&add=Biller&who=e&pick=dee",
    "role": "role?name=Front Desk",
    "role-new": "role/new?begins=role/Front Desk",
    "compare": "roles/compare?one=Front Desk&other=Nurse",
    "limit": "limit?pick=ann&pick=eve",
    "users": "users",
    "user": "user?id=ann&colleague=max&like=max",
    "import": "users/import",
    "upgrade": "upgrade",
    "try": f'try?who=cam&what=["{TASK}","respond"]',
    "look": "draft",
    "no-role": "role?name=Nobody",
    "no-user": "user?id=nobody",
}


def put_draft(service: Service) -> None:
    """Something that Pat has changed and not saved."""
    wanted = (AddMember("Patient Portal Communications Only", "ann"), SetLevel("Biller", LIST, "Read"))
    with service.home.press() as press:
        with press.store.reading() as view:
            base = view.last_touched("riverside")
        time = "2026-11-28T08:00:00.000000+00:00"
        press.store.keep_draft(KeptDraft("riverside", "pat", base, dumped(wanted), "Cover", "a note", "", time))


@pytest.mark.parametrize("size", [DESK, PHONE], ids=["desk", "phone"])
@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
def test_everybody_can_use_every_page(standing: Service, open_window: Open, size: tuple[int, int], dark: bool) -> None:
    """Axe finds nothing on any page, with something changed beside it, and nothing is cut."""
    put_draft(standing)
    window: Window = open_window(size, dark=dark)
    page = window.sign_in_as("Pat Pine")
    for name, place in PAGES.items():
        page.goto(f"/practices/riverside/{place}")
        window.picture(f"{name}-{size[0]}-{'dark' if dark else 'light'}")
        window.accessible()


def test_hostile_names(service: Service, open_window: Open) -> None:
    """Names of 120 characters, in Arabic, with quotes and markup: shown as they are, nothing of them runs or is cut."""
    with service.home.press() as press:
        put(press, hostile())
    window = open_window(PHONE)
    page = window.page
    sent = {"practice": "hostile", "user": "pat"}
    window.context.request.post("/signin/as", form=sent, headers={"Origin": window.address})
    for name in (ARABIC_ROLE, HOSTILE_ROLE):
        page.goto(f"/practices/hostile/roles?screen={TASK}")
        page.get_by_role("link", name=name, exact=True).last.click()
        page.get_by_role("group", name="Level on Task - Orders").get_by_label("Write").check()
        page.get_by_text("1 person gains access.").first.wait_for()
        window.accessible()
        window.picture(f"hostile-{'arabic' if name == ARABIC_ROLE else 'markup'}")
        page.get_by_role("button", name="Discard").click()
