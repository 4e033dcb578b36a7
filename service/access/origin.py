"""Where a request comes from: the one place where pages of other sites are kept from acting in a person's name.

Two questions are asked of the headers, before anything else is read. Is the request addressed to us (`Host`)? A name
of somebody else's that leads to this machine is refused, so that no page can talk to us under it. And does what would
change something come from a page of ours (`Sec-Fetch-Site`, `Origin`)? Browsers write these headers themselves, and no
page can. What has neither is no browser of this decade: with a cookie it is refused, without one it can do nothing in
anybody's name.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from urllib.parse import urlsplit

from service.errors import Forbidden

SAFE = frozenset({"GET", "HEAD"})
"""Methods that change nothing."""

LOOPBACK = frozenset({"localhost", "127.0.0.1", "[::1]"})
"""Names by which this host calls itself."""

ANY_HOST = frozenset({"/livez", "/readyz"})
"""Paths that tell nothing about anybody and are asked for under the address that a supervisor happens to know."""

PROXIED = ("forwarded", "via", "x-forwarded-for", "x-forwarded-host", "x-forwarded-proto", "x-real-ip")
"""Headers by which a proxy says that it stands before us."""

_OURS = frozenset({"same-origin", "none"})
"""What a browser says of a request from a page of ours, or from nobody's page: somebody typed the address."""


def require_own_host(headers: Mapping[str, str], public: str) -> None:
    """Raise `Forbidden` unless the request is addressed to this host, or to the address `public`."""
    host = headers.get("host", "").lower()
    if not host or (_name(host) not in LOOPBACK and host != urlsplit(public).netloc.lower()):
        raise Forbidden(
            f"nothing is answered here under the name `{host[:200]}`", "use the address in `ROLEWARDEN_SETUP_URL`"
        )


def require_own_page(method: str, headers: Mapping[str, str], public: str, scheme: str) -> None:
    """Raise `Forbidden` for a request that would change something and does not come from a page of ours.

    `public`: the address under which we are known; `scheme`: of those by which we are reached on this host.
    """
    if method in SAFE:
        return
    fetched, origin = headers.get("sec-fetch-site"), headers.get("origin")
    if fetched is None and origin is None:
        if "cookie" in headers:
            raise Forbidden("this request does not say which page it comes from", _MEND)
        return
    if fetched is not None and fetched not in _OURS:
        raise Forbidden("this request comes from a page of another site", _MEND)
    own = {_origin(public), f"{scheme}://{headers.get('host', '').lower()}"}
    if origin is not None and origin.lower() not in own:
        raise Forbidden("this request comes from a page of another site", _MEND)


_MEND = "open the page here, and press the button again"


def require_no_proxy(headers: Mapping[str, str]) -> None:
    """Raise `Forbidden` for what came through a proxy: whoever stands behind it is not at this machine."""
    if found := next((name for name in PROXIED if name in headers), None):
        raise Forbidden(f"the demonstration lets nobody in through a proxy (`{found}`)", "open it on this machine")


def own_place(text: str) -> str:
    """The place to go on to after signing in: a path of ours, or the first page for whatever is none."""
    if not _PLACE.fullmatch(text) or (text.startswith(("//", "/sign")) and text != "/signin/continue"):
        return "/"
    return text


_PLACE = re.compile(r"/[!-\[\]-~]{0,2000}")  # visible ASCII, and no backslash, which browsers take for a slash


def _origin(address: str) -> str:
    parts = urlsplit(address)
    return f"{parts.scheme}://{parts.netloc}".lower()


def _name(host: str) -> str:
    """A host without its port."""
    return host[: host.index("]") + 1] if host.startswith("[") and "]" in host else host.partition(":")[0]
