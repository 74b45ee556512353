"""The zones that pdnsutil prints."""

import pytest

from migrawatch.parse.powerdns import parse_zones


def test_zones_are_read_in_small_letters_and_without_final_dots() -> None:
    printed = "migrahosting.com\nShop.Example.\n10.in-addr.arpa\n0/25.2.0.192.in-addr.arpa\n_x.example\n.\n\n"

    assert parse_zones(printed) == (
        "migrahosting.com", "shop.example", "10.in-addr.arpa", "0/25.2.0.192.in-addr.arpa", "_x.example", ".",
    )  # fmt: skip


@pytest.mark.parametrize("printed", ["two words\n", "a..b\n", "Error: no database\n", "\0\n"])
def test_what_is_no_name_is_refused(printed: str) -> None:
    with pytest.raises(ValueError, match="which is no zone"):
        parse_zones(printed)
