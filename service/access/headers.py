"""The headers that every answer of the Setup part has, and what they keep a browser from doing.

Nothing of a page comes from elsewhere, no script or style stands within it, and nobody may put it into a frame. There
is one policy for all pages, so that none can be the exception.
"""

from __future__ import annotations

from collections.abc import Iterable
from urllib.parse import urlsplit


def of_every_answer(public: str, forms_to: Iterable[str] = ()) -> dict[str, str]:
    """The headers. `public`: our own address; `forms_to`: addresses of others to whom a form of ours leads."""
    headers = {
        "Cache-Control": "no-store",
        "Content-Security-Policy": content_security_policy(forms_to),
        "Cross-Origin-Opener-Policy": "same-origin",
        "Cross-Origin-Resource-Policy": "same-origin",
        "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
        # Not `no-referrer`: a browser would then write `Origin: null`, by which nobody knows a page of ours.
        "Referrer-Policy": "same-origin",
        "X-Content-Type-Options": "nosniff",
        "X-Frame-Options": "DENY",
    }
    if urlsplit(public).scheme == "https":
        headers["Strict-Transport-Security"] = "max-age=31536000"
    return headers


def content_security_policy(forms_to: Iterable[str] = ()) -> str:
    """What a page of ours may load and do."""
    others = sorted({f"{parts.scheme}://{parts.netloc}" for parts in map(urlsplit, forms_to)})
    allowed = {
        "default-src": "'none'",
        "style-src": "'self'",
        "script-src": "'self'",
        "img-src": "'self' data:",
        "connect-src": "'self'",
        # A form that signs out ends at the provider, and browsers hold the redirect against this, too.
        "form-action": " ".join(["'self'", *others]),
        "frame-ancestors": "'none'",
        "base-uri": "'none'",
    }
    return "; ".join(f"{name} {value}" for name, value in allowed.items())
