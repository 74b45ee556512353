"""What drills come to is told as it is: one that went wrong fails all, and so does a word in health."""

import json

from tests.drills.__main__ import shares_of
from tests.drills.drill import Outcome, sure_of
from tests.drills.outfit import PROJECT
from tests.drills.totals import Totals
from tests.drills.trouble import NONE, Trouble
from tests.lab.faults import AREAS, FAULTS

RIGHT = Outcome("backend-stopped", 3.0)
KILLED = Outcome("nginx-stopped", 20.0, trouble=Trouble(kill_after=1.0))
REFUSED = Outcome("nginx-stopped", 30.0, trouble=Trouble(refused_for=9.0))
WRONG = Outcome("backend-hung", 5.0, ("cause missing: x",))


def totals(*outcomes: Outcome, strays: int = 0) -> Totals:
    return Totals(seed=7, outcomes=outcomes, strays=strays, health=60.0)


def test_all_right_is_well_and_nothing_else_is() -> None:
    assert totals(RIGHT, KILLED, REFUSED).is_well
    assert not totals(RIGHT, WRONG).is_well
    assert not totals(RIGHT, strays=1).is_well
    assert not totals().is_well


def test_the_totals_say_what_was_done_and_what_went_wrong() -> None:
    told = totals(RIGHT, KILLED, REFUSED, WRONG, strays=2)

    assert str(told) == "4 drills, 3 right, 1 wrong, 1 kills, 1 outages of the receiver, 2 notices in 60 s of health"
    assert told.document | {"seconds_of_health": 0} == {
        "drills": 4,
        "faults": 3,
        "seed": 7,
        "right": 3,
        "wrong": [{"fault": "backend-hung", "wrong": ("cause missing: x",)}],
        "kills": 1,
        "receiver_outages": 1,
        "median_seconds_to_page": 3.0,
        "notices_in_health": 2,
        "seconds_of_health": 0,
    }


def test_every_drill_is_in_one_share_of_a_lab_that_has_its_hosts() -> None:
    order = [(name, NONE) for name in FAULTS]

    shares = shares_of(order, 4)

    assert sorted(name for _, share in shares for name, _ in share) == sorted(FAULTS)
    assert all(name in AREAS[area].faults for area, share in shares for name, _ in share)


def test_the_drills_on_record_went_over_every_fault_and_right() -> None:
    """What is committed must be of the faults that there are. `make drills N=500` writes it anew."""
    record = json.loads((PROJECT / "drills.json").read_text())

    assert record["faults"] >= len(FAULTS) - UNDRILLED
    assert record["right"] / record["drills"] >= 0.99
    assert record["notices_in_health"] == 0


UNDRILLED = 5
"""So many faults may be newer than the drills on record: they are tried one by one until the next hour of drills."""


def test_a_check_must_be_named_once_it_was_bad_three_times_in_a_row() -> None:
    looks = [("a", "down"), ("b", "warn"), ("a", "down"), ("b", "ok"), ("a", "warn"), ("b", "down"), ("b", "down")]

    assert sure_of({"check": check, "verdict": verdict} for check, verdict in looks) == {"a"}
