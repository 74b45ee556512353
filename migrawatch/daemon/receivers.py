"""From the receivers' settings to receivers that send."""

from collections.abc import Mapping

from migrawatch.config import Settings
from migrawatch.config.receivers import Webhook as WebhookSettings
from migrawatch.daemon.ledger import Addresses
from migrawatch.model import Secret
from migrawatch.talk.client import Client
from migrawatch.tell.receiver import Receiver
from migrawatch.tell.webhook import Webhook


def receivers_of(settings: Settings, client: Client) -> Mapping[str, Receiver]:
    """The receivers by name; what configuration calls usable can be made."""
    url = settings.daemon.external_url
    return {name: _receiver(name, receiver, client, url) for name, receiver in settings.receivers.items()}


def addresses_of(settings: Settings) -> Addresses:
    """Who can be told. What a receiver that is gone was due goes where the first route leads."""
    fallback = next((name for route in settings.routes for name in route.to), "")
    return Addresses(routes=settings.routes, receivers=frozenset(settings.receivers), fallback=fallback)


def _receiver(name: str, settings: object, client: Client, external_url: str) -> Receiver:
    match settings:
        case WebhookSettings():
            return Webhook(
                name=name,
                # A URL may carry a token; it is not to be shown.
                url=settings.url if isinstance(settings.url, Secret) else Secret(settings.url),
                poster=client,
                external_url=external_url,
                key=settings.secret,
                limit=settings.timeout,
            )
        case _:
            raise TypeError(f"receivers of type {type(settings).__name__} cannot be made")
