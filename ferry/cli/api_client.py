"""HTTP to one participant's management API: requests, lists page by page, refusals as one kind of error."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Self, cast

import httpx2

CONTEXT = {"@vocab": "https://w3id.org/edc/v0.0.1/ns/", "odrl": "http://www.w3.org/ns/odrl/2/"}
PAGE_LIMIT = 1000
_TIMEOUT_SECONDS = 30.0
_KEEP_ALIVE_SECONDS = 5.0
_SHOWN_CHARACTERS = 500
_CURSOR = "?cursor="

type JsonObject = dict[str, Any]


class ManagementError(Exception):
    """The management API refused, or did not answer; `status` is None where there was no answer.

    `is_of_api`: the answer had the shape of the API's errors; else something else answers at that address.
    """

    def __init__(
        self, what: str, status: int | None = None, faults: Sequence[str] = (), *, is_of_api: bool = False
    ) -> None:
        reasons = "; ".join(faults)
        super().__init__(f"{what}: {reasons}" if reasons else what)
        self.status = status
        self.faults = tuple(faults)
        self.is_of_api = is_of_api


class ApiClient:
    """Requests to one participant, over connections that are kept. Methods raise ManagementError."""

    def __init__(
        self,
        management_url: str,
        api_key: str = "",
        *,
        headers: Mapping[str, str] | None = None,
        transport: httpx2.BaseTransport | None = None,
    ) -> None:
        """`headers`: what proves who asks, where it is not an API key. `transport`: another way than the network."""
        self.url = management_url
        self._http = httpx2.Client(
            headers={**({"x-api-key": api_key} if api_key else {}), **(headers or {})},
            timeout=_TIMEOUT_SECONDS,
            trust_env=False,
            limits=httpx2.Limits(keepalive_expiry=_KEEP_ALIVE_SECONDS),
            transport=transport,
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the connections."""
        self._http.close()

    def call(self, method: str, path: str, body: object = None, headers: Mapping[str, str] | None = None) -> object:
        """One request below the base (or to a whole URL), and the JSON of its answer."""
        return _json(self.request(method, path, body, headers))

    def ask(self, method: str, path: str, body: object = None) -> JsonObject:
        """One request that must be answered with a JSON object."""
        answer = self.call(method, path, body)
        if not isinstance(answer, dict):
            raise ManagementError(f"{method} {self.url}{path} was not answered with a JSON object")
        return cast("JsonObject", answer)

    def query(
        self, path: str, spec: Mapping[str, Any] | None = None, *, limit: int = PAGE_LIMIT, offset: int = 0
    ) -> Iterator[JsonObject]:
        """What a list shows, at most `limit` of it, page by page. `spec`: more members of the QuerySpec."""
        cursor = ""
        while limit > 0:
            wanted = min(limit, PAGE_LIMIT)
            body = {"@context": CONTEXT, "@type": "QuerySpec", **(spec or {}), "limit": wanted, "offset": offset}
            answer = self.request("POST", f"{path}/request{cursor}", body)
            page = json_objects(_json(answer))
            yield from page
            if len(page) < wanted:
                return
            limit -= len(page)
            link = answer.links.get("next", {}).get("url", "")
            # Only lists of processes link on; the others go by the offset.
            cursor, offset = (link, 0) if link.startswith(_CURSOR) else ("", offset + len(page))

    def request(
        self, method: str, path: str, body: object = None, headers: Mapping[str, str] | None = None
    ) -> httpx2.Response:
        """One request below the base (or to a whole URL); its answer, which is a success."""
        answer = self.send(method, path, body, headers)
        if not answer.is_success:
            faults, is_of_api = _faults(answer)
            what = f"{method} {answer.request.url} was answered {answer.status_code}"
            raise ManagementError(what, answer.status_code, faults, is_of_api=is_of_api)
        return answer

    def send(
        self, method: str, path: str, body: object = None, headers: Mapping[str, str] | None = None
    ) -> httpx2.Response:
        """The same with an answer of any status."""
        url = path if path.startswith("http") else f"{self.url}{path}"
        try:
            return self._http.request(method, url, json=body, headers=dict(headers or {}))
        except (httpx2.HTTPError, httpx2.InvalidURL) as error:
            raise ManagementError(f"{method} {url} was not answered: {error or type(error).__name__}") from error


def json_objects(value: object) -> list[JsonObject]:
    """A member that may be one object, several, or none."""
    if value is None:
        return []
    return cast("list[JsonObject]", value if isinstance(value, list) else [value])


def _json(answer: httpx2.Response) -> object:
    if not answer.content:
        return None
    try:
        return answer.json()
    except ValueError:
        asked = f"{answer.request.method} {answer.request.url}"
        raise ManagementError(f"{asked} was not answered with JSON", answer.status_code) from None


def _faults(answer: httpx2.Response) -> tuple[list[str], bool]:
    """The faults in a refusal, and whether it is one of the API: a list of objects, each with a message and a type."""
    try:
        document: object = answer.json()
    except ValueError:
        return ([answer.text[:_SHOWN_CHARACTERS]] if answer.text else []), False
    items = cast("list[object]", document) if isinstance(document, list) else [document]
    faults = [cast("JsonObject", item) for item in items if isinstance(item, dict)]
    if len(faults) < len(items):
        return [answer.text[:_SHOWN_CHARACTERS]], False
    return [str(fault.get("message", fault)) for fault in faults], all("type" in fault for fault in faults)
