"""Templates of the operator's own are tried when the configuration is read; what is wrong is told at its own line."""

import pytest

from tests.config.conftest import Folder

MAIL = (
    "receivers: {ops: {kind: email, to: a@example.org, sender: b@example.org, host: 127.0.0.1, templates: own}}\n"
    "routes: [{to: ops}]\n"
)


def test_templates_lie_beside_the_configuration(folder: Folder) -> None:
    folder.write("own/mail.txt", "{{ headline }}")
    folder.write("own/_part.txt", "a part of others")

    settings = folder.load(MAIL)

    assert settings.receivers["ops"].templates == str(folder.path / "own")
    assert [str(warning) for warning in settings.warnings if "templates" in str(warning)] == []


@pytest.mark.parametrize(
    ("file", "text", "line"),
    [
        ("own/mail.txt", "{{ headline }\n", "own/mail.txt:1:1: receivers.ops.templates: unexpected '}'"),
        (
            "own/mail.html",
            "<p>\n{{ incident.oops }}",
            "own/mail.html:2:1: receivers.ops.templates: UndefinedError: "
            "'migrawatch.decide.incident.Incident object' has no attribute 'oops'",
        ),
        ("own/mail.txt", "", "own/mail.txt:1:1: receivers.ops.templates: gives an empty page"),
        (
            "own/mial.txt",
            "x",
            "main.yaml:1:102: receivers.ops.templates: no template is in {folder}/own; "
            "there may be mail.txt, mail.html, chat.txt",
        ),
        ("other/mail.txt", "x", "main.yaml:1:102: receivers.ops.templates: cannot be read: "),
    ],
)
def test_a_broken_template_is_told_with_its_file_and_line(folder: Folder, file: str, text: str, line: str) -> None:
    """Before anything depends on it, and not on the night of the first page."""
    folder.write(file, text)

    [told] = folder.problems(MAIL)

    assert told.startswith(line.replace("{folder}/", ""))


def test_a_file_that_nothing_uses_is_a_warning(folder: Folder) -> None:
    folder.write("own/mail.txt", "{{ headline }}")
    folder.write("own/mail.htm", "{{ headline }}")

    warnings = [str(warning) for warning in folder.load(MAIL).warnings]

    assert [each for each in warnings if each.endswith("nothing uses mail.htm; did you mean 'mail.html'?")]
