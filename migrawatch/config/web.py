"""The web configuration file, in the words of Prometheus' exporter-toolkit: every key is honoured or refused."""

import re
from collections.abc import Mapping
from hashlib import sha256
from pathlib import Path

from migrawatch.config.problem import Place, Report, near
from migrawatch.config.read import parse_yaml
from migrawatch.config.secrets import Secrets
from migrawatch.config.tree import Scalar, Table, section_of
from migrawatch.config.validate import validate
from migrawatch.config.web_keys import HEADERS, HttpServerConfig, RateLimit, TlsServerConfig
from migrawatch.reach.serving import GROUPS, SUITES, VERSIONS, Asks, Context, Serving, Unusable, context_of
from migrawatch.show.web import Web

SECTIONS = ("tls_server_config", "http_server_config", "basic_auth_users", "rate_limit")
_HASH = re.compile(r"\$2[abxy]\$(0[4-9]|[12][0-9]|3[01])\$[./A-Za-z0-9]{53}")
_VISIBLE = re.compile(r"[\x20-\x7e]*")
_KEYS = {
    "certificate": ("cert_file", "cert"),
    "key": ("key_file", "key"),
    "authorities": ("client_ca_file", "client_ca"),
    "newest": ("max_version",),
    "groups": ("curve_preferences",),
}
"""The keys that a part of `Serving` is made from; the first one that is set is to blame."""


def read_web(path: Path) -> Web:
    """Read the web configuration at *path*, and the certificates it names. Raise ConfigError with all that is wrong."""
    report = Report()
    whole = _whole(path, report)
    for key in whole:
        if key not in SECTIONS:
            report.wrong(whole.places[key], key, "unknown key", near(key, SECTIONS))
    reader = _Reader(path, report)
    tls = reader.tls(section_of(whole, "tls_server_config", report))
    headers = reader.headers(section_of(whole, "http_server_config", report))
    users = reader.users(section_of(whole, "basic_auth_users", report))
    limit = validate(RateLimit, section_of(whole, "rate_limit", report), "rate_limit", reader.secrets, report)
    context = reader.context(tls, whole)
    report.raise_if_wrong([str(path)])
    assert limit is not None
    return Web(tls=tls, context=context, users=users, headers=headers, limit=limit.allowance)


def files_named(path: Path) -> tuple[Path, ...]:
    """The files that the web configuration at *path* is made from, as far as it can be read."""
    whole = _whole(path, Report())
    tls = whole.get("tls_server_config")
    keys = ("cert_file", "key_file", "client_ca_file")
    named = [tls[key] for key in keys if key in tls] if isinstance(tls, Table) else []
    return (path, *(path.parent / text for name in named if (text := getattr(name, "text", ""))))


def print_of(files: tuple[Path, ...]) -> str:
    """What changes when one of *files* does; what cannot be read counts as empty."""
    whole = sha256()
    for file in files:
        try:
            content = file.read_bytes()
        except OSError:
            content = b""
        whole.update(sha256(content).digest())
    return whole.hexdigest()


def _whole(path: Path, report: Report) -> Table:
    start = Place(str(path), 1, 1)
    try:
        tree = parse_yaml(path.read_bytes(), str(path), report)
    except OSError as error:
        report.wrong(start, "", f"cannot be read: {error.strerror}")
        return Table(start)
    if isinstance(tree, Table):
        return tree
    if tree is not None and not getattr(tree, "empty", False):
        report.wrong(tree.place, "", "wanted a mapping")
    return Table(start)


class _Reader:
    """Reads the sections of one file, and notes what is wrong."""

    def __init__(self, path: Path, report: Report) -> None:
        self._folder = path.parent
        self._report = report
        # No value of this file is a secret of ours that lies elsewhere.
        self.secrets = Secrets(path.parent, {}, report)

    # -- TLS -----------------------------------------------------------------------------------------------------

    def tls(self, section: Table) -> Serving | None:
        """How TLS is served; None without, or if it is wrong."""
        said = validate(TlsServerConfig, section, "tls_server_config", self.secrets, self._report)
        if said is None or not section:
            return None
        before = len(self._report.problems)
        self._refuse_unknown(section, "cipher_suites", said.cipher_suites, SUITES)
        self._refuse_unknown(section, "curve_preferences", said.curve_preferences, GROUPS)
        self._refuse_what_contradicts(section, said)
        certificate = self._pem(section, "cert_file", "cert", needed=True)
        key = self._pem(section, "key_file", "key", needed=True)
        authorities = self._pem(section, "client_ca_file", "client_ca")
        if len(self._report.problems) > before:
            return None
        return Serving(
            certificate=certificate,
            key=key,
            asks=said.asks,
            authorities=authorities,
            names=frozenset(said.client_allowed_sans),
            oldest=said.min_version,
            newest=said.max_version,
            suites=said.cipher_suites,
            groups=said.curve_preferences or GROUPS,
            prefers_own=said.prefer_server_cipher_suites,
        )

    def context(self, tls: Serving | None, whole: Table) -> Context | None:
        """Its context; None without one, or if none can be made."""
        if tls is None:
            return None
        try:
            return context_of(tls)
        except Unusable as error:
            section = whole["tls_server_config"]
            assert isinstance(section, Table)
            self._wrong(section, next((key for key in _KEYS[error.part] if key in section), ""), str(error))
            return None

    def _refuse_what_contradicts(self, section: Table, said: TlsServerConfig) -> None:
        authorities = said.client_ca_file or said.client_ca
        if VERSIONS.index(said.min_version) > VERSIONS.index(said.max_version):
            self._wrong(section, "min_version", f"is newer than max_version, which is {said.max_version}")
        if said.asks in (Asks.VERIFIED, Asks.VERIFIED_IF_ANY) and not authorities:
            self._wrong(section, "client_auth_type", "wants client_ca_file: there is no authority to verify by")
        if said.asks is Asks.NOTHING and authorities:
            blamed = "client_ca_file" if said.client_ca_file else "client_ca"
            self._wrong(section, blamed, "wants client_auth_type: clients are asked for no certificate")
        if said.client_allowed_sans and said.asks not in (Asks.ANY, Asks.VERIFIED):
            wanted = "client_auth_type RequireAnyClientCert or RequireAndVerifyClientCert"
            self._wrong(section, "client_allowed_sans", f"wants {wanted}: who shows no certificate has no name")

    def _refuse_unknown(self, section: Table, key: str, words: tuple[str, ...], known: tuple[str, ...]) -> None:
        for word in words:
            if word not in known:
                self._wrong(section, key, f"unknown value {word!r} (one of {', '.join(known)})", near(word, known))

    def _pem(self, section: Table, by_file: str, itself: str, *, needed: bool = False) -> bytes:
        file, text = (str(getattr(section.get(key), "text", "")) for key in (by_file, itself))
        if file and text:
            self._wrong(section, itself, f"stands beside {by_file}: only one of them can count")
        elif not file and not text and needed:
            self._report.wrong(section.place, f"tls_server_config.{by_file}", "must be set")
        if not file:
            return text.encode()
        path = self._folder / file
        try:
            return path.read_bytes()
        except OSError as error:
            self._wrong(section, by_file, f"{path} cannot be read: {error.strerror}")
            return b""

    def _wrong(self, section: Table, key: str, what: str, meant: str = "") -> None:
        place = section[key].place if key in section else section.place
        self._report.wrong(place, f"tls_server_config.{key}" if key else "tls_server_config", what, meant)

    # -- the rest ------------------------------------------------------------------------------------------------

    def headers(self, section: Table) -> Mapping[str, str]:
        """The headers of every answer."""
        written = section.get("headers")
        if isinstance(written, Table):
            for blank in written.values():
                if isinstance(blank, Scalar) and blank.empty:
                    # It says: not this header.
                    blank.plain = False
        said = validate(HttpServerConfig, section, "http_server_config", self.secrets, self._report)
        if said is None or not isinstance(written, Table):
            return {}
        for name, value in said.headers.items():
            path, place = f"http_server_config.headers.{name}", written[name].place
            if name not in HEADERS:
                self._report.wrong(written.places[name], path, "cannot be set", near(name, HEADERS))
            elif HEADERS[name] and value and value not in HEADERS[name]:
                self._report.wrong(place, path, f"wanted one of {', '.join(HEADERS[name])}")
            elif not _VISIBLE.fullmatch(value):
                self._report.wrong(place, path, "wanted one line of visible ASCII")
        return dict(said.headers)

    def users(self, section: Table) -> Mapping[str, str]:
        """The hashes by their users."""
        for name, written in section.items():
            path = f"basic_auth_users.{name}"
            if ":" in name:
                self._report.wrong(section.places[name], path, "a name has no colon (RFC 7617)")
            # The words of no error quote it: it might be the password itself.
            if not _HASH.fullmatch(str(getattr(written, "text", ""))):
                self._report.wrong(written.place, path, "wanted a bcrypt hash, as `htpasswd -nBC 10 NAME` makes it")
        return {name: str(getattr(written, "text", "")) for name, written in section.items()}
