"""Secrets from files, the environment and systemd credentials; they are never written in a configuration."""

import stat
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from migrawatch.config.problem import Report
from migrawatch.config.tree import CHANGE_ME, Scalar, Table
from migrawatch.model import Secret

CREDENTIALS = "CREDENTIALS_DIRECTORY"
"""The variable in which systemd tells a service where its credentials are (LoadCredential=)."""

PREFIX = "migrawatch_"
"""What systemd puts before the name of each file when it is given a whole folder (LoadCredential=migrawatch:DIR)."""

_WANTED = "a secret is never written here; say {file: PATH}, {env: NAME} or {credential: NAME}"


class Secrets:
    """Reads secrets. With *needed* off, one that cannot be read is empty and a warning instead of an error.

    That is for `check-config` on a machine that has the configuration but, rightly, not its secrets.
    """

    def __init__(self, base: Path, environ: Mapping[str, str], report: Report, *, needed: bool = True) -> None:
        self._base = base
        self._environ = environ
        self._report = report
        self._needed = needed
        self._read: dict[tuple[str, str], str] = {}

    def optional(self) -> "Secrets":
        """The same secrets for what is not used yet: none is needed, and nothing is said of those that are missing."""
        return Secrets(self._base, self._environ, Report(), needed=False)

    def secret_of(self, written: Any) -> Secret:
        """The secret that a mapping of `file`, `env` or `credential` leads to. Raise ValueError, showing no secret."""
        if not isinstance(written, Table) or len(written) != 1:
            raise ValueError(_WANTED)
        ((source, name),) = written.items()
        if source not in ("file", "env", "credential") or not isinstance(name, Scalar) or name.empty:
            raise ValueError(_WANTED)
        if name.text == CHANGE_ME:
            return Secret("")
        try:
            return Secret(self._value(source, name))
        except ValueError as error:
            if self._needed:
                raise
            self._report.warn(name.place, "", str(error))
            return Secret("")

    def _value(self, source: str, name: Scalar) -> str:
        key = (source, name.text)
        if key not in self._read:
            self._read[key] = self._from_environ(name.text) if source == "env" else self._from_file(source, name)
        return self._read[key]

    def _from_environ(self, name: str) -> str:
        if name not in self._environ:
            raise ValueError(f"the environment variable {name} is not set")
        return self._environ[name]

    def _from_file(self, source: str, name: Scalar) -> str:
        path = self._base / name.text if source == "file" else self._credential(name.text)
        try:
            mode = path.stat().st_mode
            content = path.read_text()
        except OSError as error:
            raise ValueError(f"the secret {path} cannot be read: {error.strerror}") from error
        except UnicodeDecodeError:
            raise ValueError(f"the secret {path} is not UTF-8 text") from None
        if source == "file" and mode & stat.S_IROTH:
            self._report.warn(name.place, "", f"the secret {path} is readable by everybody on this machine")
        # An editor ends a file with a line break; no password or token ends with one. A key keeps its inner ones.
        return content.rstrip("\r\n")

    def _credential(self, name: str) -> Path:
        if "/" in name or name in (".", ".."):
            raise ValueError("a credential's name has no slash")
        given = self._environ.get(CREDENTIALS)
        if not given:
            # From a shell there is no service manager; the unit's LoadCredential= reads from the same folder.
            return self._base / "credentials" / name
        alone = Path(given) / name
        with suppress(PermissionError):
            if alone.exists():
                return alone
        return alone.with_name(PREFIX + name)
