"""The bundle: a whole policy folder, read and linted.

    model.conf  request.yaml  catalog.yaml  screens.csv  templates.csv  cases/*.yaml     published together
    separation.yaml  paths.yaml                                                          so, too, if they are there
    <world>/directory.yaml  <world>/*.csv                                                see `worlds`

A folder with a `policy.csv` and none of catalog, screens and templates has no practices: see `bare`. Whatever is wrong
is a finding with its place. Cases are read here and asked by whoever has the engine
(`service.decision.trial`).
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property

from service.policy import bare, catalog, hints, lint, model, paths, request, rows, separation, worlds
from service.policy import cases as case_files
from service.policy.bare import Bare
from service.policy.baremap import BareMap
from service.policy.cases import Case
from service.policy.catalog import Catalog
from service.policy.findings import errors, finding
from service.policy.lint import Screens
from service.policy.model import Model
from service.policy.paths import Paths
from service.policy.request import RequestMap
from service.policy.rows import RowFile, name_problem
from service.policy.separation import Pair
from service.policy.worlds import World
from service.values import TEMPLATE_PRACTICE, Finding, Position, Row

MODEL, REQUEST, CATALOG = "model.conf", "request.yaml", "catalog.yaml"
SCREENS, TEMPLATES = "screens.csv", "templates.csv"
REQUIRED = (MODEL, REQUEST, CATALOG, SCREENS, TEMPLATES)
SEPARATION, PATHS = "separation.yaml", "paths.yaml"
CASES = "cases"

Progress = Callable[[str, int], object]
"""Told of each file of rows when it was read, and how many rows it has."""


@dataclass(frozen=True, eq=False)
class Bundle:
    """A policy folder that could be read as a whole, itself and no other. `texts`: the published files, by path.

    `bare`: what a folder without practices holds; its catalog is empty, and it has no rows for the store.
    """

    model: Model
    request_map: RequestMap | BareMap
    catalog: Catalog
    shared: RowFile
    templates: RowFile
    cases: tuple[Case, ...]
    worlds: tuple[World, ...]
    separation: tuple[Pair, ...]
    paths: Paths
    texts: Mapping[str, str]
    bare: Bare | None = None

    @cached_property
    def screens(self) -> Screens:
        """Levels and what they open, worked out from the rows."""
        return lint.screens(self.catalog, self.shared.rows)


def load(files: Mapping[str, bytes], progress: Progress | None = None) -> tuple[Bundle | None, list[Finding]]:
    """Read and lint a folder given as path -> content; None where it cannot be read as a whole.

    Every finding is reported, sorted by place. A bundle that comes with an error may be looked at, never published.
    """
    found: list[Finding] = []
    texts = _texts(files, found)
    bundle: Bundle | None = None
    if not _missing(texts):
        bundle = _assemble_bare(texts, found) if is_bare(texts) else _assemble(texts, found, progress)
    return bundle, sorted(found, key=lambda item: (item.position, item.rule, item.found))


def published(paths: Iterable[str]) -> list[str]:
    """Those of the paths that are published with a folder."""
    every = list(paths)
    return sorted(path for path in every if path in _top(every) or _is_case(path))


def is_bare(paths: Iterable[str]) -> bool:
    """Whether a folder has no practices."""
    every = frozenset(paths)
    return bare.POLICY in every and every.isdisjoint((CATALOG, SCREENS, TEMPLATES))


def _top(paths: Iterable[str]) -> tuple[str, ...]:
    """The files that are read at the top of a folder."""
    return bare.REQUIRED + bare.OPTIONAL if is_bare(paths) else (*REQUIRED, SEPARATION, PATHS)


def _missing(paths: Collection[str]) -> list[str]:
    return [name for name in (bare.REQUIRED if is_bare(paths) else REQUIRED) if name not in paths]


def _assemble_bare(texts: Mapping[str, str], found: list[Finding]) -> Bundle | None:
    whole = bare.read(texts, sorted(filter(_is_case, texts)), found)
    if whole is None:
        return None
    kept = {path: texts[path] for path in published(texts)}
    nothing = RowFile("", "")
    return Bundle(whole.model, whole.request_map, bare.CATALOG, nothing, nothing, (), (), (), Paths(), kept, whole)


def _assemble(texts: Mapping[str, str], found: list[Finding], progress: Progress | None) -> Bundle | None:
    policy, problems = model.parse(MODEL, texts[MODEL])
    found += problems
    described, problems = catalog.read(CATALOG, texts[CATALOG])
    found += problems
    strange = lint.model(MODEL, policy) if policy else []
    found += strange
    if policy is None or described is None or strange:
        return None
    asked, problems = request.read(REQUEST, texts[REQUEST], policy.request)
    found += problems

    def parse_rows(path: str) -> RowFile:
        file, problems = rows.parse(path, texts[path], policy.widths)
        found.extend(problems + lint.effects(file, policy.effect_column))
        if progress is not None:
            progress(path, len(file.rows))
        return file

    shared = parse_rows(SCREENS)
    found += lint.shared(shared, described, CATALOG)
    # A row of another kind has other fields: it was reported, and is left aside here.
    shared = shared.only(lambda row: row.kind == "g2")
    known = lint.screens(described, shared.rows)
    templates = _templates(parse_rows(TEMPLATES), known, found)
    cases = _cases(texts, policy, templates, known, found)
    named = sorted({path.partition("/")[0] for path in texts if "/" in path and not _is_case(path)})
    found_worlds = tuple(worlds.read(name, texts, parse_rows, known, found) for name in named)
    pairs = _separation(texts, described, found)
    guarded = _paths(texts, described, found)
    for world in found_worlds:
        found += separation.warnings(world.rows(), pairs, known, world.places.__getitem__)
    found += worlds.apart(found_worlds) + lint.duplicates([shared]) + lint.duplicates([templates])
    if asked is None:
        return None
    kept = {path: texts[path] for path in published(texts)}
    return Bundle(policy, asked, described, shared, templates, cases, found_worlds, pairs, guarded, kept)


def _texts(files: Mapping[str, bytes], found: list[Finding]) -> dict[str, str]:
    """The files that are read, as text."""
    texts: dict[str, str] = {}
    mend = "add it; the reference says what belongs in it"
    found += [finding("file-missing", Position(name), f"no `{name}`", mend) for name in _missing(files)]
    read, worldly = _top(files), not is_bare(files)
    for path, content in sorted(files.items()):
        if not (path in read or _is_case(path) or (worldly and _is_of_world(path))) or name_problem(path):
            if not path.endswith(".md") or name_problem(path):
                mend = "rename it, or take it out of the folder"
                shown = path.encode(errors="backslashreplace").decode()  # a name may be bytes that are no text
                found.append(finding("file-unknown", Position(shown), "a file that nothing reads", mend))
            continue
        try:
            texts[path] = content.decode("utf-8")
        except UnicodeDecodeError as error:
            line = content.count(b"\n", 0, error.start) + 1
            at = Position(path, line, error.start - content.rfind(b"\n", 0, error.start))
            found.append(finding("not-utf8", at, "a byte that is not UTF-8", "save the file as UTF-8"))
            continue
        if texts[path].startswith("\ufeff"):
            texts[path] = texts[path][1:]
            mend = "save the file as UTF-8 without it"
            found.append(finding("byte-order-mark", Position(path, 1, 1), "a byte order mark", mend))
    return texts


def _is_case(path: str) -> bool:
    return path.startswith(f"{CASES}/") and path.count("/") == 1 and path.endswith(".yaml")


def _is_of_world(path: str) -> bool:
    in_folder = path.count("/") == 1 and not path.startswith(f"{CASES}/")
    return in_folder and path.endswith((".csv", f"/{worlds.DIRECTORY}"))


def _templates(file: RowFile, known: Screens, found: list[Finding]) -> RowFile:
    """`templates.csv`: levels of roles of the practice `template`, and nothing else."""
    mend = f"write `p, role:..., {TEMPLATE_PRACTICE}, <screen>, <level>`; rows of a practice belong in its folder"
    strays = [
        finding("row-home", file.position(index), "a row that is no template", mend)
        for index, row in enumerate(file.rows)
        if not _is_template(row)
    ]
    file = file.only(_is_template)
    problems = lint.practice_rows(file.rows, file.position, known, None)
    if not errors(problems):
        problems += hints.look(file.rows, file.position, known, live=False)
    found += strays + problems
    return file


def _is_template(row: Row) -> bool:
    return row.kind == "p" and row.practice == TEMPLATE_PRACTICE


def _cases(
    texts: Mapping[str, str], policy: Model, templates: RowFile, known: Screens, found: list[Finding]
) -> tuple[Case, ...]:
    unread = any(problem.position.file == TEMPLATES for problem in errors(found))
    roles = None if unread else frozenset(row.fields[0] for row in templates.rows)
    cases: list[Case] = []
    for path in filter(_is_case, sorted(texts)):
        some, problems = case_files.read(path, texts[path], policy.widths, roles)
        found += problems
        cases += some
    for case in cases:
        file = case.rows
        found += _strays(file) + lint.effects(file, policy.effect_column) + lint.duplicates([file])
        found += lint.practice_rows(file.rows, file.position, known, None)
    return tuple(cases)


def _separation(texts: Mapping[str, str], described: Catalog, found: list[Finding]) -> tuple[Pair, ...]:
    if SEPARATION not in texts:
        return ()
    pairs, problems = separation.read(SEPARATION, texts[SEPARATION], described)
    found += problems
    return pairs


def _paths(texts: Mapping[str, str], described: Catalog, found: list[Finding]) -> Paths:
    if PATHS not in texts:
        return Paths()
    read, problems = paths.read(PATHS, texts[PATHS], described)
    found += problems
    return read


def _strays(file: RowFile) -> list[Finding]:
    """Rows of a case that belong to no practice, or to that of templates."""
    mend = "a case has `p` and `g` rows of its own practices; use `templates` for those of a template"
    return [
        finding("row-home", file.position(index), "a row that is not the case's own", mend)
        for index, row in enumerate(file.rows)
        if row.practice in ("", TEMPLATE_PRACTICE)
    ]
