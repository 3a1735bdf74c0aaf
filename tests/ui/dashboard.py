"""A tab with the dashboard: signing in, going about, and everything that the page should never do."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import cast
from urllib.parse import urlsplit

from ferry.cli.participants import ParticipantProcess
from tools.ui.browser import WIDE, Browser, Locator, Page, Request, Scheme, new_context

WATCH = """
window.violations = [];
addEventListener("securitypolicyviolation", (it) => violations.push(`${it.violatedDirective} ${it.blockedURI}`));
window.shifts = [];
new PerformanceObserver((list) => {
  for (const entry of list.getEntries()) if (!entry.hadRecentInput) shifts.push(entry.value);
}).observe({ type: "layout-shift", buffered: true });
"""
SECONDS = 1000.0


@dataclass(slots=True)
class Watched:
    """What the page has done behind the scenes: requests, errors on its console, errors that nobody caught."""

    requests: list[Request] = field(default_factory=list[Request])
    errors: list[str] = field(default_factory=list[str])

    def to(self, path: str) -> list[Request]:
        """The requests whose path holds this."""
        return [request for request in self.requests if path in urlsplit(request.url).path]


class Dashboard:
    """A participant's dashboard in a session of its own. `other_key`: the key of the other participant."""

    def __init__(
        self,
        browser: Browser,
        participant: ParticipantProcess,
        *,
        other_key: str = "",
        scheme: Scheme = "light",
        size: tuple[int, int] = WIDE,
    ) -> None:
        self.participant, self.other_key = participant, other_key
        self.url = f"{participant.url}/api/dashboard"
        self._context = new_context(browser, scheme=scheme, size=size)
        self._context.add_init_script(WATCH)
        self.page: Page = self._context.new_page()
        self.watched = Watched()
        self.page.on("request", self._request)
        self.page.on("pageerror", lambda error: self.watched.errors.append(str(error)))
        self.page.on("console", self._console)

    def close(self) -> None:
        """Close the session."""
        self._context.close()

    def open(self, path: str = "") -> None:
        """Go to a view, as by its address."""
        self.page.goto(f"{self.url}{f'#/{path}' if path else ''}")

    def sign_in(self, key: str | None = None) -> None:
        """Enter the API key and wait for the first view."""
        self.open()
        self.page.get_by_label("Key or token").fill(self.participant.api_key if key is None else key)
        self.button("Sign in").click()
        if key is None:
            self.heading("Transfers").wait_for()

    def go(self, path: str) -> None:
        """To another view, without loading the page again."""
        self.page.evaluate("path => { location.hash = path }", f"#/{path}")

    def heading(self, text: str) -> Locator:
        """The heading of a view."""
        return self.page.locator("main h1").filter(has_text=text)

    def button(self, name: str) -> Locator:
        """A button by its whole name."""
        return self.page.get_by_role("button", name=name, exact=True)

    def row(self, text: str) -> Locator:
        """The row of the list that holds a text."""
        return self.page.locator("table.transfers tbody tr").filter(has_text=text)

    def badge(self, state: str) -> Locator:
        """The badge of the process that the view is about."""
        return self.page.locator(".standing .badge, section[aria-label='How it stands'] .badge").filter(has_text=state)

    def wait_for_state(self, state: str, seconds: float = 20.0) -> None:
        """Until the view shows this state."""
        self.badge(state).first.wait_for(timeout=seconds * SECONDS)

    def list_is_there(self) -> None:
        """Until the list has been read."""
        self.page.locator("table.transfers, #list .empty h2").first.wait_for()

    def asked(self, path: str) -> int:
        """How many requests there have been so far whose path holds this."""
        self.page.wait_for_timeout(50)  # what has happened is told only while something is waited for
        return len(self.watched.to(path))

    def texts(self, script: str) -> list[str]:
        """A list of texts that a script gives."""
        return cast("list[str]", self.page.evaluate(script))

    def number(self, script: str) -> float:
        """A number that a script gives."""
        return cast("float", self.page.evaluate(script))

    def violations(self) -> list[str]:
        """What the content policy had to refuse."""
        return self.texts("violations")

    def storage(self) -> Mapping[str, str]:
        """The tab's session storage."""
        return cast("Mapping[str, str]", self.page.evaluate("({...sessionStorage})"))

    def _request(self, request: Request) -> None:
        self.watched.requests.append(request)

    def _console(self, message: object) -> None:
        kind, text = getattr(message, "type", ""), str(getattr(message, "text", ""))
        # The browser notes every 404 itself, and the app answers so where it knows of no progress.
        if kind == "error" and "404 (Not Found)" not in text:
            self.watched.errors.append(text)
