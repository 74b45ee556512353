"""How often something may be done."""

from migrawatch.decide.allowance import Allowance


def test_so_often_at_once_and_then_as_it_comes_back() -> None:
    allowance: Allowance | None = Allowance(most=3, every=10.0)
    for _ in range(3):
        assert allowance is not None
        allowance = allowance.taken(100.0)
    assert allowance is not None

    assert allowance.taken(109.0) is None
    again = allowance.taken(110.0)
    assert again is not None
    assert again.taken(110.0) is None


def test_rest_saves_up_no_more_than_all_of_it() -> None:
    allowance = Allowance(most=2, every=1.0, used=2.0, at=0.0)

    rested = allowance.taken(1000.0)
    assert rested is not None
    again = rested.taken(1000.0)
    assert again is not None
    assert again.taken(1000.0) is None
