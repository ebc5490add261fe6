"""Pictures of pages, and what they have to pass: every route and template of a door pictured at two widths and in every
language, no axe violation, nothing wider than a phone, nothing the browser complains about.

What must be pictured is read from the code: the application's URL map, the templates on disk, the endings of the core.
"""

import json
from html import escape
from pathlib import Path
from urllib.parse import unquote, urlsplit, urlunsplit

from axe_playwright_python.sync_playwright import Axe
from flask import g, request, request_finished, template_rendered
from playwright.sync_api import Error

import splynx_ippay
from splynx_ippay.base.settings import BY_KEY

PACKAGE = Path(splynx_ippay.__file__).parent
WIDE, NARROW = {"width": 1280, "height": 800}, {"width": 360, "height": 740}
_SETTLED = "() => document.readyState === 'complete' && document.fonts.status === 'loaded'"


def languages():
    """The languages of the settings table that have a catalogue; English needs none."""
    return [name for name, _ in BY_KEY["language"].choices
            if name == "en" or (PACKAGE / "translations" / name / "LC_MESSAGES" / "messages.po").exists()]


class Gallery:
    """The pictures of one door, taken by all tests of a file; the last of them asks what is missing."""

    def __init__(self, folder, door):
        self.folder, self.door = folder, door
        self.app = self.speak = None
        self.axe, self.numbers = Axe(), {}
        self.languages = languages()
        self.answers, self.endpoints, self.templates = [], set(), set()
        self.pictures, self.faults, self.fault_count = [], [], 0

    def attend(self, app, speak):
        """Watch the application of the next test; ``speak`` changes the language of its pages."""
        self.app, self.speak = app, speak
        self.answers.clear()
        template_rendered.connect(self._note_template, app)
        request_finished.connect(self._note_answer, app)
        return self

    # What the application answered.

    def _note_template(self, _sender, template, **_more):
        if template.name:
            g.setdefault("pictured_templates", set()).add(template.name)

    def _note_answer(self, _sender, response, **_more):
        self.answers.append((request.full_path.rstrip("?"), request.endpoint, response.status_code, response.mimetype,
                             g.get("pictured_templates", set())))

    def shoot(self, name, window, *, again=True, check=True):
        """Picture what stands in the window, in every language (``again``: it may be opened again), and examine it."""
        self._note_shown(window)
        self._in_language(name, window, "en", check=check)
        for language in self.languages[1:] if again else ():
            self.speak(language)
            try:
                window.reload()
                self._in_language(name, window, language, check=check)
            finally:
                self.speak("en")
        if again and self.languages[1:]:
            window.reload()

    def _note_shown(self, window):
        shown = {unquote(urlunsplit(("", "", *urlsplit(frame.url)[2:4], ""))) for frame in window.frames}
        for answered, endpoint, status, mimetype, templates in self.answers:
            if 300 <= status < 400 or (mimetype != "text/html" and endpoint):  # a redirect on the way here
                self.endpoints.add(endpoint)
            elif unquote(answered) in shown:
                self.endpoints.add(endpoint)
                self.templates |= templates
        self.answers.clear()

    def _in_language(self, name, window, language, *, check):
        if check and "/ippay/" in window.url and window.locator("html").get_attribute("lang") != language:
            self.faults.append(f"language: {name}: {window.locator('html').get_attribute('lang')} instead of {language}")
        for size in (WIDE, NARROW):
            window.set_viewport_size(size)
            window.wait_for_function(_SETTLED)
            picture = f"{self.door}-{self.numbers.setdefault(name, len(self.numbers) + 1):02d}-{name}-{language}-{size['width']}.png"
            window.screenshot(path=self.folder / picture, full_page=True, caret="initial")
            self.pictures.append({"door": self.door, "name": name, "language": language, "width": size["width"], "file": picture})
            width = window.evaluate("() => document.scrollingElement.scrollWidth - window.innerWidth")
            if width > 0:
                self.faults.append(f"wider than the window: {picture}: {width} px")
        window.set_viewport_size(WIDE)
        if check:
            self.faults += [f"axe: {name} ({language}): {finding}" for finding in self.examine(window)]

    def examine(self, window):
        """axe's violations on this page, one line each."""
        try:
            results = self.axe.run(window)
        except Error:  # the page went on to another one meanwhile
            window.wait_for_load_state()
            results = self.axe.run(window)
        return [f"{violation['id']}: {node['target']} {node.get('failureSummary', '')}"
                for violation in results.response["violations"] for node in violation["nodes"]]

    # What must have been pictured.

    def missing_routes(self):
        """Routes of this door's blueprint that no picture shows or was led through."""
        ours = {rule.endpoint for rule in self.app.url_map.iter_rules() if rule.endpoint.startswith(self.door + ".")}
        return sorted(ours - self.endpoints)

    def missing_templates(self, *folders):
        """Page templates that no picture shows."""
        ours = {path.relative_to(root).as_posix() for folder in folders for root in PACKAGE.glob("**/templates")
                for path in (root / folder).glob("*.html") if not path.name.startswith("_")}
        return sorted(ours - self.templates)

    def finish(self):
        """Write the contents page; returns the numbers, as text."""
        write_contents(self.folder, self.pictures)
        names = {(one["name"], one["language"]) for one in self.pictures}
        return (f"{self.door}: {len(self.pictures)} pictures of {len(names)} pages in {', '.join(self.languages)}; routes without "
                f"screenshot or axe result: {len(self.missing_routes())}; axe violations, too wide pages, wrong languages: {self.fault_count}")


def write_contents(folder, pictures):
    """One page with every picture of the folder, and beside it the list that other doors add theirs to."""
    kept = folder / "pictures.json"
    known = {one["file"]: one for one in (json.loads(kept.read_text(encoding="utf-8")) if kept.exists() else [])}
    known |= {one["file"]: one for one in pictures}
    kept.write_text(json.dumps(sorted(known.values(), key=lambda one: one["file"]), indent=1), encoding="utf-8")
    rows = "".join(
        f'<figure><a href="{escape(one["file"])}"><img loading="lazy" src="{escape(one["file"])}" alt="{escape(one["name"])}" '
        f'width="{360 if one["width"] > 400 else 160}"></a><figcaption>{escape(one["door"])}: {escape(one["name"])} '
        f'({escape(one["language"])}, {one["width"]} px)</figcaption></figure>'
        for one in sorted(known.values(), key=lambda one: one["file"]))
    (folder / "index.html").write_text(
        '<!doctype html><html lang="en"><meta charset="utf-8"><title>Screens</title><style>body{font:14px sans-serif;display:flex;'
        "flex-wrap:wrap;gap:1rem;align-items:start}figure{margin:0;max-width:24rem}img{border:1px solid #ccc;height:auto}"
        f'</style><h1 style="width:100%">{len(known)} pictures</h1>{rows}</html>', encoding="utf-8")
