"""Places as they stand in targets, details and commands."""

import pytest

from migrawatch.parse.place import place_of


@pytest.mark.parametrize(
    ("address", "name", "place"),
    [
        ("10.1.10.101", "", "10.1.10.101:993"),
        ("10.1.10.101", "10.1.10.101", "10.1.10.101:993"),
        ("10.1.10.101", "mail.example", "mail.example at 10.1.10.101:993"),
        ("::1", "", "[::1]:993"),
    ],
)
def test_a_place_is_written_as_people_write_it(address: str, name: str, place: str) -> None:
    assert place_of(address, 993, name) == place
