"""Who is let in by the Setup part, and how those who are not are told."""

import pytest

from service import ui
from service.access.permissions import SETUP_ENDPOINTS, Endpoint, Needs, Right, Scope
from service.exchange import Reply
from service.setup_web import paired
from tests.contract.setup.doors import HOST, Setup, words

ID = [f"{endpoint.method} {endpoint.path}" for endpoint in SETUP_ENDPOINTS]


def place(endpoint: Endpoint) -> str:
    """An address that leads to an endpoint."""
    named = {"<practice>": "riverside", "<name>": "style.css", "<int:number>": "1", "<number>": "1"}
    path = endpoint.path
    for name, value in named.items():
        path = path.replace(name, value)
    return path


class TestTheTable:
    def test_it_has_every_route(self, setup: Setup) -> None:
        """Nothing can be reached that does not stand in the table, by no other method, and nothing in it is missing."""
        routes = setup.app.url_map.iter_rules()
        found = [(method, rule.rule) for rule in routes for method in rule.methods or () if method != "HEAD"]
        assert sorted(found) == sorted((endpoint.method, endpoint.path) for endpoint in SETUP_ENDPOINTS)

    def test_a_row_without_a_view(self) -> None:
        """Neither a row without a view nor a view without a row, nor two of either, gets through."""
        row = Endpoint("/new", "GET", Needs.PUBLIC, "New.")
        views = {("GET", "/new"): lambda _visit: Reply(200, {}, b"")}
        assert list(paired((row,), views)) == [row]
        for rows, some in (((row,), {}), ((), views), ((row, row), views)):
            with pytest.raises(LookupError):
                paired(rows, some)
        with pytest.raises(LookupError):
            paired((row,), views, views)

    @pytest.mark.parametrize("endpoint", SETUP_ENDPOINTS, ids=ID)
    def test_a_practice_is_asked_about_where_it_is_named(self, endpoint: Endpoint) -> None:
        """Rights are held in a practice: a row that asks for one names a practice, and no other row for people does."""
        if isinstance(endpoint.needs, tuple):
            assert endpoint.needs
            assert "<practice>" in endpoint.path
            assert all(isinstance(right, Right) for right in endpoint.needs)
        elif not isinstance(endpoint.needs, Scope):
            assert "<practice>" not in endpoint.path

    @pytest.mark.parametrize("endpoint", SETUP_ENDPOINTS, ids=ID)
    def test_nobody(self, setup: Setup, endpoint: Endpoint) -> None:
        """Whoever has not signed in and has no token gets to public pages alone; people are sent to sign in."""
        send = setup.get if endpoint.method == "GET" else setup.post
        answer = setup.browser.open(
            place(endpoint), method=endpoint.method, headers={"Host": HOST, "Origin": f"http://{HOST}"}
        )
        assert send is not None
        if endpoint.needs is Needs.PUBLIC:
            assert answer.status_code != 401
        elif isinstance(endpoint.needs, Scope):
            assert answer.status_code == 401
            assert answer.mimetype == "application/problem+json"
        else:
            assert answer.status_code == 303
            assert answer.location.startswith("/signin?next=")

    def test_views_are_where_they_belong(self) -> None:
        """Each page of `ui` has its row."""
        assert {(row.method, row.path) for row in SETUP_ENDPOINTS} >= ui.VIEWS.keys()


class TestTheAddress:
    @pytest.mark.parametrize("host", ["localhost:8181", "127.0.0.1:8181", "[::1]:8181", "LOCALHOST", "127.0.0.1"])
    def test_our_own(self, setup: Setup, host: str) -> None:
        """This host is called by its own names, on whatever port it is reached."""
        assert setup.get("/signin", Host=host).status_code == 200

    @pytest.mark.parametrize(
        "host", ["evil.example", "localhost.evil.example", "127.0.0.1.evil.example", "rolewarden", "10.0.0.1", "[::2]"]
    )
    def test_somebody_elses(self, setup: Setup, host: str) -> None:
        """A name of somebody else's that leads to this machine is not answered, but for what supervisors ask."""
        answer = setup.get("/signin", Host=host)
        assert answer.status_code == 403
        assert "Riverside" not in answer.text
        assert setup.get("/livez", Host=host).status_code == 200
        assert setup.get("/readyz", Host=host).status_code == 200


class TestThePageBefore:
    @pytest.mark.parametrize(
        "headers",
        [
            {"Origin": "http://evil.example"},
            {"Origin": "null"},
            {"Origin": "https://localhost:8181"},
            {"Origin": "http://localhost:8182"},
            {"Sec_Fetch_Site": "cross-site"},
            {"Sec_Fetch_Site": "same-site"},
            {"Sec_Fetch_Site": "cross-site", "Origin": "http://localhost:8181"},
            {"Sec_Fetch_Site": "same-origin", "Origin": "http://evil.example"},
            {"Origin": "", "Cookie": "rolewarden=x"},
        ],
        ids=str,
    )
    def test_of_another_site(self, setup: Setup, headers: dict[str, str]) -> None:
        """No page of another site can press a button here, nor can what does not say where it is from."""
        setup.sign_in_as("pat")
        assert setup.post("/signout", **headers).status_code == 403
        assert setup.get("/").status_code != 303 or "/signin" not in setup.get("/").location

    @pytest.mark.parametrize(
        "headers", [{}, {"Sec_Fetch_Site": "same-origin"}, {"Origin": "", "Sec_Fetch_Site": "none"}], ids=str
    )
    def test_of_ours(self, setup: Setup, headers: dict[str, str]) -> None:
        """A page of ours can."""
        setup.sign_in_as("pat")
        assert setup.post("/signout", **headers).status_code == 303
        assert setup.get("/").location == "/signin?next=%2F"


class TestEveryAnswer:
    @pytest.mark.parametrize(
        "path", ["/signin", "/", "/nowhere", "/static/style.css", "/livez", "/static/../config.py"]
    )
    def test_its_headers(self, setup: Setup, path: str) -> None:
        """Whatever is answered, no browser may run what is not ours in it, frame it, or guess what it is."""
        answer = setup.get(path)
        policy = answer.headers["Content-Security-Policy"]
        assert "default-src 'none'" in policy
        assert "unsafe" not in policy
        assert "frame-ancestors 'none'" in policy
        assert answer.headers["X-Content-Type-Options"] == "nosniff"
        assert answer.headers["Referrer-Policy"] == "same-origin"
        assert "Server" not in answer.headers
        assert answer.headers["X-Request-ID"]

    def test_pages_are_not_kept(self, setup: Setup) -> None:
        """No page stays in a browser; a file of style does, under an address that changes with it."""
        page = setup.get("/signin")
        assert page.headers["Cache-Control"] == "no-store"
        address = page.text.partition('rel="stylesheet" href="')[2].partition('"')[0]
        assert "immutable" in setup.get(address).headers["Cache-Control"]
        assert setup.get("/static/style.css").headers["Cache-Control"] == "no-cache"

    def test_errors_are_in_words(self, setup: Setup) -> None:
        """What is not there, what is not known, and what is ours to mend is said on a page."""
        assert "There is no page under this address." in words(setup.get("/nowhere"))
        assert setup.get("/nowhere").status_code == 404
        assert setup.post("/").status_code == 405

    def test_a_bug_tells_nothing(self, setup: Setup, log) -> None:
        """An error of ours is a page with the request id; its detail stands in the log alone."""
        setup.office.live.state = None
        answer = setup.get("/signin")
        assert answer.status_code == 500
        assert "NoneType" not in answer.text
        assert answer.headers["X-Request-ID"] in answer.text
        assert b"NoneType" in log.getvalue()
