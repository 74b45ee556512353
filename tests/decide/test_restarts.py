"""A crash loop is told from a deployment, and is over soon after it is over."""

import pytest

from migrawatch.decide.restarts import CALM, YOUNG, Restarts


def seen(*looks: tuple[float, int]) -> Restarts:
    restarts = Restarts()
    for at, count in looks:
        restarts = restarts.noted(at, count)
    return restarts


@pytest.mark.parametrize(
    ("looks", "age", "is_loop"),
    [
        ([(0, 0), (30, 0), (60, 1)], 5, False),  # one restart: a deployment
        ([(0, 0), (30, 1), (60, 2)], 5, False),
        ([(0, 7), (30, 7), (60, 10)], 1, True),
        ([(0, 0), (30, 15)], 1, True),
        ([(0, 0), (30, 15)], CALM + 0.1, False),  # it died every 2 s, and has not for 10
        ([(0, 0), (30, 1), (60, 2), (90, 3)], CALM + 1, True),  # it dies every 30 s
        ([(0, 0), (30, 1), (60, 2), (90, 3)], YOUNG + 1, False),
        ([(0, 0), (30, 15), (31, 0)], 1, False),  # registered anew
        ([(0, 0), (700, 3)], 1, False),  # what it was eleven minutes ago is forgotten
        ([], 1, False),
    ],
)
def test_a_loop_is_many_restarts_lately_and_a_young_process(
    looks: list[tuple[float, int]], age: float, is_loop: bool
) -> None:
    assert seen(*looks).is_loop(age) is is_loop


def test_what_is_remembered_stays_small() -> None:
    restarts = seen(*((at, at // 7) for at in range(5000)))

    assert len(restarts.samples) <= 32
    assert restarts.count > 0


def test_quick_looks_do_not_hide_a_loop() -> None:
    """While suspect there is a look every second, most of which see no new restart."""
    restarts = seen((0, 0), *((30 + at, 3 + at // 5) for at in range(20)))

    assert restarts.is_loop(1)


def test_an_unchanged_count_is_nothing_new_to_remember() -> None:
    """What is remembered is written to disk; there is a look every few seconds for years."""
    restarts = seen((0, 7))

    assert restarts.noted(30, 7) is restarts
    assert restarts.noted(90, 7) is not restarts
