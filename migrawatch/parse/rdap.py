"""What registries tell of a domain by RDAP (RFC 9083), and where each is asked (RFC 9224)."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from migrawatch.parse.moment import utc_of

_HUMP = re.compile(r"(?<=[a-z])(?=[A-Z])")
_LONGEST = 200
_MOST_STATUSES = 40


@dataclass(frozen=True, kw_only=True, slots=True)
class Registration:
    """A domain's entry. *statuses* are in RDAP's words, lower case (`client transfer prohibited`).

    Times are aware, UTC; None and empty stand for what the registry does not tell.
    """

    expires_at: datetime | None = None
    registered_at: datetime | None = None
    statuses: tuple[str, ...] = ()
    registrar: str = ""
    is_signed: bool = False

    @property
    def is_locked(self) -> bool:
        """Whether nobody may move it to another registrar before the lock is taken off."""
        return any(status.endswith("transfer prohibited") for status in self.statuses)


def server_for(bootstrap: object, domain: str) -> str:
    """The base URL, ending in a slash, of who answers for *domain*: the longest entry that fits (RFC 9224, section 4).

    HTTPS is preferred. Raise ValueError for what is no such list, and for a domain that no entry fits.
    """
    if not isinstance(bootstrap, dict) or not isinstance(bootstrap.get("services"), list):
        raise ValueError("the list of registries has no services")
    found: dict[int, list[str]] = {}
    for service in bootstrap["services"]:
        entries, urls = _service(service)
        for entry in entries:
            if f".{domain}".endswith(f".{entry}"):
                found.setdefault(entry.count("."), []).extend(urls)
    if not found:
        raise ValueError(f"the list of registries names none that answers for {domain}")
    urls = found[max(found)]
    url = next((url for url in urls if url.startswith("https://")), urls[0] if urls else "")
    return url.rstrip("/") + "/"


def _service(service: object) -> tuple[list[str], list[str]]:
    if not isinstance(service, list) or len(service) != 2 or not all(isinstance(part, list) for part in service):
        raise ValueError("an entry in the list of registries is no pair of lists")
    entries, urls = service
    return [str(entry).lower().strip(".") for entry in entries], [str(url) for url in urls]


def parse_domain(document: object, domain: str) -> Registration:
    """The entry of *domain* (section 5.3). Raise ValueError for what is no entry, or another's."""
    if not isinstance(document, dict) or document.get("objectClassName") != "domain":
        raise ValueError("the answer is no entry of a domain")
    name = str(document.get("ldhName", "")).lower().rstrip(".")
    if name != domain:
        raise ValueError(f"the answer is about {name[:_LONGEST]!r}, wanted {domain}")
    dates = dict(_dates(document))
    secure = document.get("secureDNS")
    return Registration(
        expires_at=dates.get("expiration"),
        registered_at=dates.get("registration"),
        statuses=_statuses(document.get("status")),
        registrar=_registrar(document),
        is_signed=isinstance(secure, dict) and secure.get("delegationSigned") is True,
    )


def _dates(document: Mapping[str, Any]) -> Iterator[tuple[str, datetime]]:
    for event in _objects(document.get("events")):
        try:
            at = utc_of(str(event.get("eventDate")))
        except ValueError:
            continue
        yield str(event.get("eventAction")), at


def _statuses(told: object) -> tuple[str, ...]:
    """In RDAP's words, also where a registry uses EPP's (`clientHold`; RFC 8056)."""
    words = told if isinstance(told, list) else []
    plain = (_HUMP.sub(" ", str(word)[:_LONGEST]).lower() for word in words[:_MOST_STATUSES])
    return tuple(sorted(set(plain)))


def _registrar(document: Mapping[str, Any]) -> str:
    for entity in _objects(document.get("entities")):
        roles = entity.get("roles")
        if isinstance(roles, list) and "registrar" in roles:
            return (_full_name(entity.get("vcardArray")) or str(entity.get("handle", "")))[:_LONGEST]
    return ""


def _full_name(vcard: object) -> str:
    """The `fn` of a jCard (RFC 7095)."""
    properties = vcard[1] if isinstance(vcard, list) and len(vcard) > 1 and isinstance(vcard[1], list) else []
    for one in properties:
        if isinstance(one, list) and len(one) > 3 and one[0] == "fn":
            return str(one[3])
    return ""


def _objects(several: object) -> Iterator[dict[str, Any]]:
    if isinstance(several, list):
        yield from (one for one in several if isinstance(one, dict))
