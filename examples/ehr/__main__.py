"""Serves the EHR on loopback: `python -m examples.ehr`.

EHR_ROLEWARDEN    where to ask: http://127.0.0.1:8180
EHR_TOKEN         the bearer token to ask with
EHR_PORT          where to answer: 8190
EHR_SETUP         where Setup is, for a link
"""

from __future__ import annotations

import logging
import os
import sys

from werkzeug.serving import make_server

from examples.ehr.pages import create_app
from rolewarden_client import Rolewarden


def main() -> None:
    """Serve until stopped."""
    token = os.environ.get("EHR_TOKEN", "")
    if not token:
        sys.exit("EHR_TOKEN is not set: it is the bearer token that `rolewarden serve --demo` prints")
    rolewarden = Rolewarden(os.environ.get("EHR_ROLEWARDEN", "http://127.0.0.1:8180"), token)
    app = create_app(rolewarden, os.environ.get("EHR_SETUP", ""))
    logging.getLogger("werkzeug").setLevel(logging.WARNING)  # a line for each request would hide what to click
    make_server("127.0.0.1", int(os.environ.get("EHR_PORT", "8190")), app, threaded=True).serve_forever()


main()
