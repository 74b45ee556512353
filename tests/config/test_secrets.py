"""Secrets come from files, the environment and systemd's credentials, and are never shown."""
# ruff: noqa: E501 (a case a line reads best)

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from migrawatch.config import ConfigError
from migrawatch.model import Secret
from tests.config.conftest import Folder

HIDDEN = "hunter2-correct-horse"


def token(folder: Folder, written: str) -> Secret:
    page = folder.checks(f"x: {{probe: page, host: web, url: a, token: {written}}}").checks[0].probe
    secret: Secret = page.token  # type: ignore[attr-defined]
    return secret


def test_a_file_beside_the_configuration_is_read_without_its_last_line_break(folder: Folder) -> None:
    folder.write("token", f"{HIDDEN}\n").chmod(0o600)

    assert token(folder, "{file: token}").reveal() == HIDDEN


def test_a_key_keeps_its_inner_line_breaks(folder: Folder) -> None:
    folder.write("token", "-----BEGIN\nabc\n-----END\n").chmod(0o600)

    assert token(folder, "{file: token}").reveal() == "-----BEGIN\nabc\n-----END"


def test_the_environment_is_read(folder: Folder) -> None:
    folder.environ["TOKEN"] = HIDDEN

    assert token(folder, "{env: TOKEN}").reveal() == HIDDEN


def test_a_credential_is_read_where_systemd_puts_it(folder: Folder) -> None:
    folder.write("credentials/token", HIDDEN)
    folder.environ["CREDENTIALS_DIRECTORY"] = str(folder.path / "credentials")

    assert token(folder, "{credential: token}").reveal() == HIDDEN


def test_a_credential_out_of_a_folder_has_the_name_of_its_file(folder: Folder) -> None:
    """systemd.exec(5): LoadCredential=migrawatch:DIR hands every file of DIR over, as migrawatch_FILE."""
    folder.write("given/migrawatch_token", HIDDEN)
    folder.environ["CREDENTIALS_DIRECTORY"] = str(folder.path / "given")

    assert token(folder, "{credential: token}").reveal() == HIDDEN
    with pytest.raises(ConfigError, match="given/migrawatch_other cannot be read"):
        token(folder, "{credential: other}")


def test_from_a_shell_a_credential_is_read_where_the_unit_has_it_from(folder: Folder) -> None:
    """The on-call runs `migrawatch probe` by hand; the same configuration must read."""
    folder.write("credentials/token", HIDDEN)

    assert token(folder, "{credential: token}").reveal() == HIDDEN


def test_a_secret_may_stand_in_a_header(folder: Folder) -> None:
    folder.environ["TOKEN"] = HIDDEN

    settings = folder.checks("x: {probe: page, host: web, url: a, headers: {a: {env: TOKEN}, b: plain}}")

    assert settings.checks[0].probe.headers == {"a": Secret(HIDDEN), "b": "plain"}  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    ("written", "what"),
    [
        ("{file: missing}", "the secret {path}/missing cannot be read: No such file or directory"),
        ("{file: .}", "the secret {path} cannot be read: Is a directory"),
        ("{file: binary}", "the secret {path}/binary is not UTF-8 text"),
        ("{env: MISSING}", "the environment variable MISSING is not set"),
        ("{credential: x}", "the secret {path}/credentials/x cannot be read: No such file or directory"),
        (HIDDEN, "a secret is never written here; say {{file: PATH}}, {{env: NAME}} or {{credential: NAME}}"),
        (f"{{file: a, env: {HIDDEN}}}", "a secret is never written here; say {{file: PATH}}, {{env: NAME}} or {{credential: NAME}}"),
        (f"{{password: {HIDDEN}}}", "a secret is never written here; say {{file: PATH}}, {{env: NAME}} or {{credential: NAME}}"),
        ("{file: }", "a secret is never written here; say {{file: PATH}}, {{env: NAME}} or {{credential: NAME}}"),
    ],
)  # fmt: skip
def test_a_secret_that_cannot_be_had_is_told_and_not_shown(folder: Folder, written: str, what: str) -> None:
    (folder.path / "binary").write_bytes(b"\xff\xfe" + HIDDEN.encode())
    with pytest.raises(ConfigError) as refused:
        token(folder, written)

    assert f"checks.x.token: {what.format(path=folder.path)}" in str(refused.value)
    assert HIDDEN not in str(refused.value) + repr(refused.value.problems)


def test_a_credential_is_a_name_and_not_a_path(folder: Folder) -> None:
    folder.environ["CREDENTIALS_DIRECTORY"] = str(folder.path)

    with pytest.raises(ConfigError, match="a credential's name has no slash"):
        token(folder, "{credential: ../token}")


def test_a_file_that_may_not_be_read_is_told() -> None:
    with tempfile.TemporaryDirectory() as place:
        folder = Folder(Path(place))
        folder.path.chmod(0o755)
        folder.write("main.yaml", "").chmod(0o666)
        folder.write("token", HIDDEN).chmod(0)
        with _ordinary(), pytest.raises(ConfigError, match="cannot be read: Permission denied"):
            token(folder, "{file: token}")


def test_credentials_that_are_not_for_us_are_told() -> None:
    """systemd 252 hides them from all but the daemon itself: what it runs for a reload may not even look for them."""
    with tempfile.TemporaryDirectory() as place:
        folder = Folder(Path(place))
        folder.path.chmod(0o755)
        folder.write("main.yaml", "").chmod(0o666)
        folder.write("given/token", HIDDEN).parent.chmod(0)
        folder.environ["CREDENTIALS_DIRECTORY"] = str(folder.path / "given")
        with _ordinary(), pytest.raises(ConfigError, match="cannot be read: Permission denied"):
            token(folder, "{credential: token}")


@contextmanager
def _ordinary() -> Iterator[None]:
    """As an ordinary user: root reads every file."""
    was = os.geteuid()
    if was == 0:
        os.seteuid(65534)
    yield
    os.seteuid(was)


def test_a_file_that_everybody_may_read_is_a_warning(folder: Folder) -> None:
    folder.write("token", HIDDEN).chmod(0o644)

    settings = folder.checks("x: {probe: page, host: web, url: a, token: {file: token}}")

    warnings = [str(warning) for warning in settings.warnings]
    assert warnings == [
        f"{folder.path}/main.yaml:8:53: the secret {folder.path}/token is readable by everybody on this machine"
    ]


def test_no_secret_is_shown_by_what_was_loaded(folder: Folder) -> None:
    folder.environ |= {"TOKEN": HIDDEN, "KEY": HIDDEN}

    settings = folder.checks("x: {probe: page, host: web, url: a, token: {env: TOKEN}, from: web}")

    assert HIDDEN not in repr(settings) + str(settings)


@pytest.mark.parametrize(
    "text",
    [
        f"x: {{probe: page, host: web, url: a, token: {HIDDEN}, prt: 3}}",
        f"x: {{probe: page, host: web, url: a, token: [{HIDDEN}]}}",
        f"x: {{probe: page, host: web, url: a, tken: {HIDDEN}}}",
        f"x: {{probe: page, host: web, url: a, token: '{HIDDEN}",
        f"x: {{probe: page, host: web, url: a, token: *{HIDDEN}}}",
        f"x: {{probe: page, host: web, url: a, token: !{HIDDEN} a}}",
        f"x: {{probe: page, host: web, url: a, token: @{HIDDEN}}}",
        f"x: {{probe: page, host: web, url: a, headers: {{a: {{token: {HIDDEN}}}}}}}",
    ],
)
def test_a_secret_in_the_wrong_place_is_not_repeated(folder: Folder, text: str) -> None:
    assert HIDDEN not in "\n".join(folder.check_problems(text))


def test_a_remedy_never_prints_a_secret(folder: Folder) -> None:
    """A notice goes through many hands."""
    folder.environ["TOKEN"] = HIDDEN

    told = folder.check_problems(
        "x: {probe: page, host: web, url: a, token: {env: TOKEN}, remedy: {slow: 'curl -H {token}'}}"
    )

    assert told == ["1:58: checks.x.remedy: {token} would print a secret"]


def test_a_receivers_address_may_carry_a_token(folder: Folder) -> None:
    folder.environ["HOOK"] = f"https://hooks.example.org/{HIDDEN}"

    settings = folder.load("receivers: {ops: {kind: webhook, url: {env: HOOK}}}")

    assert settings.receivers["ops"].url.reveal().endswith(HIDDEN)
    assert HIDDEN not in repr(settings)


def test_a_wrong_address_of_a_receiver_is_not_repeated(folder: Folder) -> None:
    assert HIDDEN not in "".join(folder.problems(f"receivers: {{ops: {{kind: webhook, url: 'htps://a/{HIDDEN}'}}}}"))


def test_a_configuration_can_be_looked_at_without_its_secrets(folder: Folder) -> None:
    """check-config runs on machines that rightly cannot read them."""
    settings = folder.load(
        "hosts: {web: {address: a}}\nchecks: {x: {probe: page, host: web, url: a, token: {env: MISSING}}}",
        secrets_needed=False,
    )

    assert settings.checks[0].probe.token == Secret("")  # type: ignore[attr-defined]
    assert "the environment variable MISSING is not set" in " ".join(map(str, settings.warnings))


def test_a_disabled_check_need_not_have_its_secrets_yet(folder: Folder) -> None:
    settings = folder.checks("x: {probe: page, host: web, url: a, token: {env: MISSING}, enabled: false}")

    assert [(item.check, item.why) for item in settings.not_watched] == [("x", "disabled (enabled: false)")]
