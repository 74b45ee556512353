"""Each wrong chain has its own reason, its facts are told, and one that verified is not trusted blindly."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID
from OpenSSL import crypto

from migrawatch.model import Lost
from migrawatch.reach.certificate import facts_of
from migrawatch.reach.trust import forget_proofs, problem_of
from migrawatch.reason import Reason
from tests.reach.shaking import judged, refusal, shake
from tests.servers.certificates import DAY, Authority, Issued
from tests.servers.peers import replying_peer
from tests.servers.tls import load, server_context, tls_server


async def test_a_good_chain_has_no_problem_and_its_facts_are_told(authority: Authority) -> None:
    async with tls_server(server_context(authority.issue("localhost", "alt.example"))) as port:
        handshake = await shake(port, authority)

    labels = handshake.leaf_labels
    assert handshake.problem is None
    assert (handshake.version, handshake.cipher[:8], len(handshake.chain)) == ("TLS 1.3", "TLS_AES_", 2)
    assert labels["subject"] == "CN=localhost"
    assert labels["issuer"] == "CN=migrawatch test intermediate"
    assert labels["subjectalternative"] == "localhost,alt.example"
    assert len(labels["fingerprint_sha256"]) == 64


async def test_each_wrong_chain_has_its_own_reason(authority: Authority, tmp_path: Path) -> None:
    """The reasons an operator acts upon differently must not be told as one "bad certificate"."""
    stranger = Authority(folder=tmp_path, label="stranger")
    issue = authority.issue
    wrong = {
        "tls_expired": await judged(issue("localhost", starts_in=-30 * DAY, lasts=27 * DAY), authority),
        "tls_not_yet_valid": await judged(issue("localhost", starts_in=2 * DAY), authority),
        "tls_name_mismatch": await judged(issue("other.example"), authority),
        "tls_untrusted": await judged(stranger.issue("localhost"), authority),
        "tls_incomplete_chain": await judged(issue("localhost"), authority, whole_chain=False),
    }

    assert {reason: seen[0] for reason, seen in wrong.items()} == {reason: reason for reason in wrong}
    assert "CN=localhost expired 3 days ago" in wrong["tls_expired"][1]
    assert "is valid only in 1 days" in wrong["tls_not_yet_valid"][1]
    assert wrong["tls_name_mismatch"][1] == "certificate is for other.example, wanted localhost"
    assert "ends at the issuer CN=stranger root" in wrong["tls_untrusted"][1]
    assert (
        "the server presented only its own certificate; its issuer CN=migrawatch test intermediate"
        in (wrong["tls_incomplete_chain"][1])
    )


async def test_a_self_signed_certificate_is_not_trusted(authority: Authority) -> None:
    reason, detail = await judged(authority.self_signed("localhost"), authority)

    assert (reason, "self-signed CN=localhost" in detail) == ("tls_untrusted", True)


async def test_several_problems_are_told_together_the_most_telling_first(authority: Authority) -> None:
    expired = authority.issue("other.example", starts_in=-30 * DAY, lasts=27 * DAY)

    reason, detail = await judged(expired, authority)

    assert reason == "tls_expired"
    assert "also: certificate is for other.example, wanted localhost" in detail


@pytest.mark.parametrize(
    ("names", "asked", "fits"),
    [
        (("localhost",), "LOCALHOST.", True),
        (("*.example.org",), "www.example.org", True),
        (("*.example.org",), "a.www.example.org", False),
        (("*.example.org",), "example.org", False),
        (("127.0.0.1",), "127.0.0.1", True),
        (("::1",), "0:0:0:0:0:0:0:1", True),
        (("127.0.0.2", "localhost"), "127.0.0.1", False),
        (("xn--mller-kva.example",), "müller.example", True),
    ],
)
async def test_names_fit_as_rfc_9525_says(authority: Authority, names: tuple[str, ...], asked: str, fits: bool) -> None:
    reason, _ = await judged(authority.issue(*names), authority, name=asked)

    assert reason == ("" if fits else "tls_name_mismatch")


async def test_without_verifying_there_are_facts_and_no_problem(authority: Authority) -> None:
    async with tls_server(server_context(authority.self_signed("other.example"))) as port:
        handshake = await shake(port, authority, verify=False)

    assert handshake.problem is None
    assert handshake.leaf_labels["subject"] == "CN=other.example"


async def test_the_systems_roots_may_be_named_by_the_environment(
    authority: Authority, monkeypatch: pytest.MonkeyPatch
) -> None:
    issued = authority.issue("localhost")

    trusting_none = await judged(issued, authority, ca_file="")
    monkeypatch.setenv("SSL_CERT_FILE", str(authority.root_file))
    trusting_ours = await judged(issued, authority, ca_file="")

    assert (trusting_none[0], trusting_ours[0]) == ("tls_untrusted", "")


# -- a chain that verified is not trusted blindly -------------------------------------------------------------------


async def test_a_certificate_that_is_swapped_is_seen_at_once(authority: Authority, tmp_path: Path) -> None:
    good = authority.issue("localhost")
    context = server_context(good)
    swaps = {
        "tls_untrusted": Authority(folder=tmp_path, label="stranger").issue("localhost"),
        "tls_expired": authority.issue("localhost", starts_in=-30 * DAY, lasts=27 * DAY),
        "tls_name_mismatch": authority.issue("other.example"),
    }
    seen = {}

    async with tls_server(context) as port:
        for reason, swapped in swaps.items():
            load(context, good.chain_file, good.key_file)
            assert (await shake(port, authority)).problem is None
            load(context, swapped.chain_file, swapped.key_file)
            problem = (await shake(port, authority)).problem
            seen[reason] = problem and problem[0].value

    assert seen == {reason: reason for reason in swaps}


async def test_a_dropped_intermediate_is_seen_at_once(authority: Authority) -> None:
    issued = authority.issue("localhost")
    context = server_context(issued)

    async with tls_server(context) as port:
        whole = (await shake(port, authority)).problem
        load(context, issued.leaf_file, issued.key_file)
        leaf_alone = (await shake(port, authority)).problem

    assert whole is None
    assert leaf_alone is not None
    assert leaf_alone[0] is Reason.TLS_INCOMPLETE_CHAIN


async def test_the_same_chain_is_not_good_for_another_name_or_other_roots(authority: Authority, tmp_path: Path) -> None:
    stranger = Authority(folder=tmp_path, label="stranger")

    async with tls_server(server_context(authority.issue("localhost"))) as port:
        right = (await shake(port, authority)).problem
        other_name = (await shake(port, authority, name="other.example")).problem
        other_roots = (await shake(port, stranger)).problem

    assert right is None
    assert other_name is not None
    assert other_name[0] is Reason.TLS_NAME_MISMATCH
    assert other_roots is not None
    assert other_roots[0] is Reason.TLS_UNTRUSTED


async def test_days_are_counted_from_the_first_to_expire(authority: Authority) -> None:
    async with tls_server(server_context(authority.issue("localhost", lasts=20 * DAY))) as port:
        handshake = await shake(port, authority)

    left = handshake.expires_at - datetime.now(UTC)
    assert timedelta(days=18) < left < timedelta(days=20)


def test_a_kept_proof_ends_with_the_calendar_the_clock_and_the_roots(authority: Authority, tmp_path: Path) -> None:
    """Judged again on every look as far as dates go; verified again after minutes or when the roots change."""
    roots = tmp_path / "roots.pem"
    roots.write_bytes(authority.root_file.read_bytes())
    chain = chain_of(authority.issue("localhost", lasts=30 * DAY))
    facts = facts_of(chain)
    now = datetime.now(UTC)

    fresh = problem_of(chain, facts, str(roots), now)
    past_the_end = problem_of(chain, facts, str(roots), facts.expires_at)
    roots.write_bytes(Authority(folder=tmp_path, label="stranger").root_file.read_bytes())
    still_kept = problem_of(chain, facts, str(roots), now)
    forget_proofs()
    forgotten = problem_of(chain, facts, str(roots), now)

    assert fresh is None
    assert past_the_end is not None
    assert past_the_end[0] is Reason.TLS_EXPIRED
    assert still_kept is not None, "an expiry must have dropped the proof"
    assert forgotten is not None
    assert forgotten[0] is Reason.TLS_UNTRUSTED


async def test_after_a_broken_handshake_the_chain_is_verified_anew(authority: Authority, tmp_path: Path) -> None:
    """The roots are swapped behind a kept proof: only a new verification can see it."""
    roots = tmp_path / "roots.pem"
    roots.write_bytes(authority.root_file.read_bytes())

    async with tls_server(server_context(authority.issue("localhost"))) as port:
        good = await shake(port, authority, ca_file=str(roots))
        roots.write_bytes(Authority(folder=tmp_path, label="stranger").root_file.read_bytes())
        kept = await shake(port, authority, ca_file=str(roots))
        async with replying_peer(b"220 not TLS\r\n") as plain:
            await refusal(plain)
        anew = await shake(port, authority, ca_file=str(roots))

    assert (good.problem, kept.problem) == (None, None)
    assert anew.problem is not None
    assert anew.problem[0] is Reason.TLS_UNTRUSTED


def test_roots_that_cannot_be_read_are_nobodys_fault(authority: Authority, tmp_path: Path) -> None:
    chain = chain_of(authority.issue("localhost"))
    (tmp_path / "nonsense.pem").write_text("no certificates here")

    for name in ("missing.pem", "nonsense.pem"):
        with pytest.raises(Lost, match="trusted roots"):
            problem_of(chain, facts_of(chain), str(tmp_path / name), datetime.now(UTC))


@pytest.mark.filterwarnings("ignore:X509.sign is deprecated")
@pytest.mark.parametrize("weakness", ["client only", "small key", "sha1"])
def test_a_chain_that_verifies_may_still_be_unfit(tmp_path: Path, weakness: str) -> None:
    """OpenSSL's store does not look at these; browsers and blackbox_exporter's Go refuse them."""
    chain, root_file = weak_chain(tmp_path, weakness)

    problem = problem_of(chain, facts_of(chain), str(root_file), datetime.now(UTC))

    assert problem is not None
    assert problem[0] is Reason.TLS_UNTRUSTED
    assert {"client only": "not meant for servers", "small key": "1024 bits", "sha1": "sha1"}[weakness] in problem[1]


def chain_of(issued: Issued) -> tuple[bytes, ...]:
    certificates = x509.load_pem_x509_certificates(issued.chain_file.read_bytes())
    return tuple(certificate.public_bytes(Encoding.DER) for certificate in certificates)


def weak_chain(folder: Path, weakness: str) -> tuple[tuple[bytes, ...], Path]:
    """A leaf alone, issued by a root, with one weakness."""
    signer = rsa.generate_private_key(65537, 2048)
    key = rsa.generate_private_key(65537, 1024 if weakness == "small key" else 2048)
    usage = ExtendedKeyUsageOID.CLIENT_AUTH if weakness == "client only" else ExtendedKeyUsageOID.SERVER_AUTH
    root_name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "weak root")])
    now = datetime.now(UTC)

    def builder(subject: x509.Name, of: rsa.RSAPrivateKey) -> x509.CertificateBuilder:
        return (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(root_name)
            .public_key(of.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - DAY)
            .not_valid_after(now + DAY)
        )

    root = builder(root_name, signer).add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
    leaf = builder(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "leaf")]), key)
    leaf = leaf.add_extension(x509.ExtendedKeyUsage([usage]), critical=False)
    root_file = folder / "weak-root.pem"
    root_file.write_bytes(root.sign(signer, SHA256()).public_bytes(Encoding.PEM))
    signed = crypto.X509.from_cryptography(leaf.sign(signer, SHA256()))
    if weakness == "sha1":  # which cryptography itself no longer signs with
        signed.sign(crypto.PKey.from_cryptography_key(signer), "sha1")
    return (crypto.dump_certificate(crypto.FILETYPE_ASN1, signed),), root_file
