"""An expression of nginx's configuration matches as PCRE's does, or is refused: it must not hold the loop."""

import pytest

from migrawatch.parse.nginx_expression import finds

NAME = "app.migrahosting.com"


@pytest.mark.parametrize(
    ("expression", "text", "found"),
    [
        (r"^r\d+\.test$", "r12.test", True),
        (r"^(www\.)?(?<domain>.+)$", NAME, True),
        (r"\.(php|html)$", "/a/b/index.php", True),
        (r"\.(php|html)$", "/a/b/index.txt", False),
        (r"/\.(?!well-known)", "/.well-known/acme", False),
        (r"/\.(?!well-known)", "/.git", True),
        (r"^/(.*)/(.*)/(.*)$", "/a/b/c/d", True),
        (r"^[]a-z[]{2,}$", "ab", True),
        (r"^(a|b){}$", "b{}", True),
        (r"^(?:[a-z]{1,3}\.){2}x$", "ab.c.x", True),
    ],
)
def test_what_honest_configurations_have_is_matched(expression: str, text: str, found: bool) -> None:
    assert finds(expression, text) is found


@pytest.mark.parametrize(
    ("expression", "text"),
    [
        (r"^([a-z.]+)+X$", NAME),
        (r"^(([a-z.]+)+)+\d$", NAME),
        (r"^([a-z.]|[a-z.][a-z.]?|[a-z.])+\d$", NAME),
        (r"^(a?){30}a{30}$", "a" * 30),
        (r"^(a?){60}b$", "a" * 5),
        (r".*.*.*.*.*.*\d", "a" * 30),
        (r"^(?:a{0,9}){0,99999999}b", "a" * 40),
        (r"^(a|aa){1,}?$", "a" * 60),
    ],
)
def test_what_could_take_for_ever_is_refused(expression: str, text: str) -> None:
    """Each takes Python from seconds to years to tell, and the daemon would wait for it."""
    with pytest.raises(ValueError, match="could take for ever"):
        finds(expression, text)


@pytest.mark.parametrize("expression", ["(" * 3000, "a{99999999999}", "(", "(?i)a(?i)", "[" * 3000, "(?<1>a)"])
def test_what_is_no_expression_is_refused(expression: str) -> None:
    with pytest.raises(ValueError, match="cannot read the expression"):
        finds(expression, NAME)


def test_what_brackets_may_mean_one_day_is_no_warning() -> None:
    assert finds("[[a]", "[")
