"""Who may be asked for on somebody else's word."""

from ipaddress import ip_network

import pytest

from migrawatch.decide.admission import Admission

ADMISSION = Admission(
    names=frozenset({"example.org", "*.sites.example"}),
    networks=(ip_network("10.1.10.0/24"), ip_network("2001:db8::/64")),
)


@pytest.mark.parametrize(
    ("name", "address", "admitted"),
    [
        ("example.org", "93.184.216.34", True),
        ("a.sites.example", "93.184.216.34", True),
        ("a.b.sites.example", "2606:2800:220:1::1", True),
        ("sites.example", "93.184.216.34", False),
        ("notexample.org", "93.184.216.34", False),
        ("93.184.216.34", "93.184.216.34", False),
        # A known name leads inside only where the address is known too.
        ("example.org", "10.1.10.10", True),
        ("example.org", "10.1.11.10", False),
        ("example.org", "127.0.0.1", False),
        ("example.org", "169.254.169.254", False),
        ("example.org", "::1", False),
        ("example.org", "fe80::1%eth0", False),
        ("example.org", "::ffff:127.0.0.1", False),
        ("example.org", "224.0.0.1", False),
        ("example.org", "0.0.0.0", False),
        # A known address is admitted by whatever name.
        ("stranger.test", "10.1.10.10", True),
        ("10.1.10.10", "10.1.10.10", True),
        ("stranger.test", "::ffff:10.1.10.10", True),
        ("stranger.test", "2001:db8::5", True),
    ],
)
def test_names_lead_to_the_internet_and_networks_to_themselves(name: str, address: str, admitted: bool) -> None:
    assert ADMISSION.admits(name, address) is admitted
