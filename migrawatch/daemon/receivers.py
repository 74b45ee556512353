"""From the receivers' settings to receivers that send."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from itertools import chain
from typing import TYPE_CHECKING

import structlog

from migrawatch.config import Settings
from migrawatch.config.receivers import MAIL_PORTS
from migrawatch.config.receivers import Alertmanager as AlertmanagerSettings
from migrawatch.config.receivers import Apprise as AppriseSettings
from migrawatch.config.receivers import Email as EmailSettings
from migrawatch.config.receivers import Webhook as WebhookSettings
from migrawatch.decide.route import Addresses
from migrawatch.model import Secret
from migrawatch.talk.client import Client
from migrawatch.talk.submission import Relay
from migrawatch.tell.alertmanager import Alertmanager
from migrawatch.tell.desk import Recheck
from migrawatch.tell.heartbeat import Outpost, outposts
from migrawatch.tell.instance import Access
from migrawatch.tell.receiver import Receiver
from migrawatch.tell.register import Registers
from migrawatch.tell.substitute import Substitute
from migrawatch.tell.webhook import Webhook

if TYPE_CHECKING:
    from migrawatch.tell.template import Templates

log = structlog.get_logger(__name__)


@dataclass(frozen=True, kw_only=True)
class Means:
    """What receivers send with, and what they remember."""

    client: Client
    registers: Registers
    now: Callable[[], datetime]
    recheck: Recheck


def receivers_of(settings: Settings, means: Means) -> Mapping[str, Receiver]:
    """The receivers by name; what configuration calls usable can be made."""
    url = settings.daemon.external_url
    return {name: _receiver(name, receiver, means, url) for name, receiver in settings.receivers.items()}


def addresses_of(settings: Settings) -> Addresses:
    """Who can be told. What a receiver that is gone was due goes where the first route leads."""
    fallback = next((name for route in settings.routes for name in route.to), "")
    themselves = (name for name, one in settings.receivers.items() if isinstance(one, AlertmanagerSettings))
    return Addresses(
        routes=settings.routes,
        receivers=frozenset(settings.receivers),
        fallback=fallback,
        remind_themselves=frozenset(themselves),
    )


def substitutes_of(settings: Settings) -> Mapping[str, Substitute]:
    """Who is told as well when a receiver is not reached, by that receiver's name."""
    return {
        name: Substitute(name=receiver.fallback, after=receiver.after)
        for name, receiver in settings.receivers.items()
        if receiver.fallback in settings.receivers
    }


def outposts_of(settings: Settings) -> tuple[Outpost, ...]:
    """Who waits for our heartbeat; a receiver that cannot be used yet does not."""
    heartbeat = settings.heartbeat
    if heartbeat is None:
        return ()
    managers = (settings.receivers.get(name) for name in heartbeat.to)
    accesses = (_accesses(one, "") for one in managers if isinstance(one, AlertmanagerSettings))
    return outposts(map(_secret, heartbeat.urls), chain.from_iterable(accesses))


def _receiver(name: str, settings: object, means: Means, external_url: str) -> Receiver:
    match settings:
        case WebhookSettings():
            return Webhook(
                name=name,
                url=_secret(settings.url),
                poster=means.client,
                external_url=external_url,
                key=settings.secret,
                limit=settings.timeout,
            )
        case AlertmanagerSettings():
            accesses = _accesses(settings, external_url.rstrip("/"))
            return Alertmanager(name, accesses, means.client, means.registers.of(name), means.now, means.recheck)
        case EmailSettings():
            return _email(name, settings, means, external_url)
        case AppriseSettings():
            from migrawatch.tell.apprise import AppriseReceiver

            templates = _templates(settings.templates)
            return AppriseReceiver(name, _secret(settings.url), external_url, settings.timeout, templates)
        case _:
            raise TypeError(f"receivers of type {type(settings).__name__} cannot be made")


def _secret(url: str | Secret) -> Secret:
    # An address may carry a token; it is not to be shown.
    return url if isinstance(url, Secret) else Secret(url)


def _accesses(settings: AlertmanagerSettings, link: str) -> tuple[Access, ...]:
    return tuple(
        Access(
            url=Secret(url),
            user=settings.user,
            password=settings.password or Secret(""),
            limit=settings.timeout,
            group_wait=settings.group_wait,
            link=link,
        )
        for url in settings.urls
    )


def _email(name: str, settings: EmailSettings, means: Means, link: str) -> Receiver:
    # Only who mails pays for the templates.
    from migrawatch.tell.email import Email

    relay = Relay(
        host=settings.host,
        port=settings.port or MAIL_PORTS[settings.tls],
        tls=settings.tls,
        name=settings.name,
        verify=settings.verify,
        ca_file=settings.ca_file,
        user=settings.user,
        password=settings.password,
        helo=settings.helo,
    )
    templates = _templates(settings.templates)
    return Email(name, relay, settings.sender, settings.to, means.now, link, settings.timeout, templates)


def _templates(folder: str) -> "Templates":
    from migrawatch.tell.template import Templates, read_templates

    try:
        return read_templates(folder)
    except (OSError, ValueError) as error:
        # They were there when the configuration was read; the page goes out in any case.
        log.error("templates_unreadable", folder=folder, trouble=str(error))
        return Templates()
