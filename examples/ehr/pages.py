"""The pages of the little EHR. Each asks `tasks` first, and shows what it says.

Signing in is a list of names: this program shows how access is asked for, not how people prove who they are.
"""

from __future__ import annotations

import secrets
from urllib.parse import urlsplit

from flask import Blueprint, Flask, Response, abort, current_app, redirect, render_template, request, session, url_for
from werkzeug.wrappers import Response as Anything

from examples.ehr.people import PRACTICE_NAME, STAFF, WAITING, Item, Portal
from examples.ehr.tasks import Refused, Tasks
from rolewarden_client import Rolewarden

LONGEST_ANSWER = 4000

ehr = Blueprint("ehr", __name__)


def create_app(rolewarden: Rolewarden, setup: str = "") -> Flask:
    """The EHR, asking `rolewarden`. `setup`: where Setup is, for a link beside the demonstration."""
    app = Flask(__name__)
    app.secret_key = secrets.token_bytes(32)  # who is signed in is forgotten with the process
    app.config.update(SESSION_COOKIE_SAMESITE="Strict", SESSION_COOKIE_NAME="ehr", MAX_CONTENT_LENGTH=65536)
    app.config.update(ROLEWARDEN=rolewarden, PORTAL=Portal(), SETUP=setup)
    app.register_blueprint(ehr)
    return app


# --- every page ---------------------------------------------------------------------------------------------


def tasks() -> Tasks:
    """My Tasks of whoever is signed in; nobody is led to the list of names."""
    user = session.get("user")
    if user not in STAFF:
        abort(redirect(url_for("ehr.sign_in")))
    return Tasks(current_app.config["ROLEWARDEN"], user)


def portal() -> Portal:
    """What patients sent."""
    found: Portal = current_app.config["PORTAL"]
    return found


@ehr.before_request
def same_origin() -> None:
    """A form of another site changes nothing here."""
    origin = request.headers.get("Origin")
    if request.method == "POST" and origin is not None and urlsplit(origin).netloc != request.host:
        abort(403)


@ehr.after_request
def private(response: Response) -> Response:
    """No page is kept by a browser, and none loads anything from elsewhere."""
    response.headers["Cache-Control"] = "no-store"
    response.headers["Content-Security-Policy"] = (
        "default-src 'none'; style-src 'self'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'"
    )
    response.headers["X-Content-Type-Options"] = "nosniff"
    response.headers["Referrer-Policy"] = "same-origin"
    return response


@ehr.app_context_processor
def everywhere() -> dict[str, object]:
    """What every page shows."""
    user = session.get("user")
    setup = current_app.config["SETUP"]
    return {"practice": PRACTICE_NAME, "user": user, "name": STAFF.get(user or ""), "setup": setup, "staff": STAFF}


@ehr.errorhandler(Refused)
def refused(error: Refused) -> tuple[str, int]:
    """The security message, where the page would have been."""
    return render_template("refused.html", message=error.message, again=error.again), 503 if error.again else 403


# --- signing in ---------------------------------------------------------------------------------------------


@ehr.get("/")
def sign_in() -> str:
    """Who are you?"""
    return render_template("sign_in.html")


@ehr.post("/")
def signed_in() -> Anything:
    """Somebody of the list."""
    user = request.form.get("user", "")
    if user not in STAFF:
        abort(400)
    session.clear()
    session["user"] = user
    return redirect(url_for("ehr.my_tasks"))


@ehr.post("/sign-out")
def sign_out() -> Anything:
    """Nobody any more."""
    session.clear()
    return redirect(url_for("ehr.sign_in"))


# --- queues -------------------------------------------------------------------------------------------------


@ehr.get("/tasks")
def my_tasks() -> str:
    """My Tasks, with every queue. Patient Portal stays visible to who may not open it, and says so on opening."""
    mine = tasks()
    answers = mine.queues()
    waiting, forwarded = len(portal().all(reviewed=False)), len(portal().forwarded(mine.user))
    counts = {**WAITING, "Patient Portal": waiting, "Communication": forwarded}
    return render_template("tasks.html", answers=answers, counts=counts)


@ehr.get("/tasks/portal")
def queue() -> str:
    """My Tasks > Patient Portal."""
    tasks().open_queue()
    shown = request.args.get("show") == "reviewed"
    return render_template("queue.html", items=portal().all(reviewed=shown), reviewed=shown)


@ehr.get("/tasks/communication")
def communication() -> str:
    """The Communication queue, with what was forwarded."""
    mine = tasks()
    mine.open_communication()
    return render_template("communication.html", items=portal().forwarded(mine.user))


# --- items --------------------------------------------------------------------------------------------------


@ehr.get("/tasks/portal/<int:number>")
def from_queue(number: int) -> str:
    """An item, opened from the queue."""
    mine = tasks()
    return _shown(mine, mine.open_from_queue(portal().get(number)), forwarded=False)


@ehr.get("/message/<int:number>")
def by_link(number: int) -> str:
    """A forwarded message, opened by its My Medical Locker Message link."""
    mine = tasks()
    return _shown(mine, mine.open_forwarded(portal().get(number)), forwarded=True)


@ehr.post("/tasks/portal/<int:number>")
def answer_from_queue(number: int) -> Anything:
    """An answer, written on the item as the queue opened it."""
    return _answered(number, forwarded=False)


@ehr.post("/message/<int:number>")
def answer_by_link(number: int) -> Anything:
    """An answer to a forwarded message."""
    return _answered(number, forwarded=True)


@ehr.post("/tasks/portal/<int:number>/forward")
def forward(number: int) -> Anything:
    """Into somebody's Communication queue; whether they may open it there is asked when they do."""
    item = tasks().open_from_queue(portal().get(number))
    to = request.form.get("to", "")
    if to not in STAFF:
        abort(400)
    portal().forward(item, to)
    return redirect(url_for("ehr.from_queue", number=number))


def _shown(mine: Tasks, item: Item, *, forwarded: bool) -> str:
    return render_template("item.html", item=item, forwarded=forwarded, may_respond=mine.may_respond())


def _answered(number: int, *, forwarded: bool) -> Anything:
    mine = tasks()
    item = mine.respond(portal().get(number), forwarded=forwarded)
    text = request.form.get("text", "").strip()[:LONGEST_ANSWER]
    if text:
        portal().answer(item, mine.user, text)
    return redirect(url_for("ehr.by_link" if forwarded else "ehr.from_queue", number=number))
