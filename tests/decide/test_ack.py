"""An acknowledgement: what it is worth, and that nothing of what must be told is kept by it."""

from dataclasses import replace

import pytest

from migrawatch.decide.incident import Ack
from migrawatch.model import Severity
from migrawatch.reason import Reason
from tests.decide.rooms import NO_DATABASE
from tests.decide.shops import Shop

R = Reason
CRITICAL, WARNING = Severity.CRITICAL, Severity.WARNING


@pytest.mark.parametrize(
    ("acknowledged_as", "severity", "answered"),
    [(CRITICAL, CRITICAL, True), (CRITICAL, WARNING, True), (WARNING, WARNING, True), (WARNING, CRITICAL, False)],
)
def test_who_is_on_a_warning_is_not_yet_on_the_outage(
    acknowledged_as: Severity, severity: Severity, answered: bool
) -> None:
    shop = Shop()
    shop.see_all(NO_DATABASE, times=3)
    [incident] = shop.incidents.values()

    ack = Ack(by="ann", at=shop.now, severity=acknowledged_as)

    assert replace(incident, severity=severity, ack=ack).is_answered is answered
    assert not replace(incident, severity=severity).is_answered


def acknowledge(shop: Shop) -> None:
    """Ann is on everything that is open."""
    for key, incident in shop.incidents.items():
        shop.incidents[key] = replace(incident, ack=Ack(by="ann", at=shop.now, severity=incident.severity))


def test_a_raise_and_the_resolve_are_told_in_spite_of_an_acknowledgement_and_say_who_is_on_it() -> None:
    shop = Shop()
    shop.see_all({"db-unit": R.SLOW}, times=3)
    acknowledge(shop)
    shop.see_all({"db-unit": R.UNIT_INACTIVE}, times=4)
    shop.see_all(times=4, pause=60)

    assert [notice.change for notice in shop.notices] == ["opened", "raised", "resolved"]
    assert [notice.incident.ack and notice.incident.ack.by for notice in shop.notices] == [None, "ann", "ann"]
    assert {receiver for change, _, receiver in shop.told_of if change == "resolved"} == {"ops", "mail", "pager"}


def test_a_changed_cause_is_told_in_spite_of_an_acknowledgement() -> None:
    shop = Shop()
    shop.see_all({name: reason for name, reason in NO_DATABASE.items() if name != "db-unit"}, times=3)
    acknowledge(shop)
    shop.see_all(NO_DATABASE, times=4)

    assert [notice.change for notice in shop.notices] == ["opened", "changed_cause"]
