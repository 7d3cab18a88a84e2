import base64
import json
import re
import urllib.parse
from random import Random

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from tests.integration import runner_model
from tests.unit import hostile
from tests.unit.samples import ACCOUNT_SID, SECRET, TOKEN
from twilio_build_wait import text

REPLACED = "\N{REPLACEMENT CHARACTER}"


# -- one harmless line -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    "raw, shown",
    [
        ("plain text, as it is: 100 % 'quoted' <b>", "plain text, as it is: 100 % 'quoted' <b>"),
        ("naïve 構築 🙂", "naïve 構築 🙂"),
        *((f"a{character}b", "a b") for character in "\t\n\v\f\r\x1c\x1d\x1e\x85\u2028\u2029"),
        ("a\r\nb", "a  b"),
        ("\x1b[31mred\x1b[0m", f"{REPLACED}[31mred{REPLACED}[0m"),
        ("\x00\x08\x1f\x7f\x80\x9f", 6 * REPLACED),
        ("\u061c\u200e\u200f\u202a\u202e\u2066\u2069", 7 * REPLACED),
        ("\ud800\udcff\udfff", 3 * REPLACED),
        # What only looks like one of them.
        (
            " ~\xa0\u200d\u2010\u202f\u2065\u206a\ue000\ufeff",
            " ~\xa0\u200d\u2010\u202f\u2065\u206a\ue000\ufeff",
        ),
        ("::error::x", ": :error: :x"),
        ("a ::WARNING file=1::2", "a : :WARNING file=1::2"),
        ("::éa::b", ": :éa: :b"),
        (":::error", ":: :error"),
        ("[::1]:443 2001:db8::1 a::_ ::-", "[::1]:443 2001:db8::1 a::_ ::-"),
        ("##[error]x", "# #[error]x"),
        ("###[group]x", "## #[group]x"),
        ("##vso[task.complete]", "# #vso[task.complete]"),
        ("##VSO[x", "# #VSO[x"),
        ("##teamcity[x] ##TeamCity[y]", "# #teamcity[x] # #TeamCity[y]"),
        ("## heading #[x] ##other[x] ##vso", "## heading #[x] ##other[x] ##vso"),
        (":\n:error::", ": :error::"),
        ("::\nerror::", ":: error::"),
        ("#\r#[error]", "# #[error]"),
    ],
)
def test_what_is_made_of_it(raw: str, shown: str) -> None:
    assert text.safe(raw) == shown


@given(hostile.TEXT)
def test_it_is_one_line_without_controls_or_openers(raw: str) -> None:
    shown = text.safe(raw)
    assert not hostile.UNPRINTABLE.search(shown)
    assert not hostile.OPENER.search(shown)
    assert len(shown.splitlines()) <= 1
    assert text.safe(shown) == shown


@given(hostile.TEXT)
def test_no_runner_reads_a_command_in_a_line_of_the_log(raw: str) -> None:
    log = f"twilio-build-wait says {text.safe(raw)}\n"
    assert runner_model.github_commands(log) == []
    assert runner_model.azure_commands(log) == []
    assert runner_model.teamcity_messages(log) == []
    assert len(runner_model.github_lines(log)) == 1


@given(hostile.TEXT)
def test_nor_does_github_s_where_it_begins_the_line(raw: str) -> None:
    # Its name is what stands between `::` and the first space (actions/runner, ActionCommand.cs).
    found = re.match(r"\s*::(?P<name>[^ ]*?)(?: .*?)?::", text.safe(raw))
    assert found is None or not found["name"][:1].isalpha()


@given(st.text(st.characters(min_codepoint=0x20, max_codepoint=0x7E, exclude_characters=":#")))
def test_ordinary_text_is_left_alone(raw: str) -> None:
    assert text.safe(raw) == raw


# -- cutting ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "raw, limit, shown",
    [
        ("", 3, ""),
        ("abc", 3, "abc"),
        ("abcd", 3, "ab…"),
        ("abcd", 1, "…"),
        (500 * "x", None, 500 * "x"),
        (501 * "x", None, 499 * "x" + "…"),
    ],
)
def test_cutting(raw: str, limit: int | None, shown: str) -> None:
    assert (text.clip(raw) if limit is None else text.clip(raw, limit)) == shown


@given(hostile.TEXT.map(lambda raw: 99 * raw))
def test_a_piece_is_safe_and_short(raw: str) -> None:
    shown = text.piece(raw)
    assert len(shown) <= 500
    assert not hostile.OPENER.search(shown)
    assert shown == text.safe(raw) or shown == text.safe(raw)[:499] + "…"


# -- workflow commands -----------------------------------------------------------------------------


def test_escaping_as_the_toolkit_does() -> None:
    assert text.escape_data("100%\r\n:,") == "100%25%0D%0A:,"
    assert text.escape_property("100%\r\n:,") == "100%25%0D%0A%3A%2C"
    assert text.escape_data("%0A") == "%250A"


@given(hostile.TEXT, hostile.TEXT)
def test_the_runner_reads_back_what_was_meant(title: str, message: str) -> None:
    title = title.strip()  # the runner trims properties
    line = f"::error title={text.escape_property(title)}::{text.escape_data(message)}\n"
    (command,) = runner_model.github_commands(line)
    assert command == runner_model.Command("error", message, {"title": title})


# -- the job summary -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "raw, shown",
    [
        ("Waited 1.5 s, 100 % (ok); a=b? 'c' \"d\" e-f/g+h", None),
        ("構築 naïve", None),
        ("a|b", "a&#124;b"),
        ("<b>&amp;", "&#60;b&#62;&#38;amp;"),
        ("`", "&#96;"),
        ("#!@$^{}", "&#35;&#33;&#64;&#36;&#94;&#123;&#125;"),
        ("\\", "&#92;"),
        ("*_~", "&#42;&#95;&#126;"),
        ("[x](https://x.test)", "&#91;x&#93;(https&#58;//x.test)"),
        ("www.x.test WWW.x.test", "www&#46;x.test WWW&#46;x.test"),
        ("awww.x", "awww&#46;x"),
        ("a\nb\x1bc", "a b&#65533;c"),
        ("a_b", "a&#95;b"),
        ("::error::", ": &#58;error::"),
        (":+1: :-1: a:b :a b:", "&#58;+1: &#58;-1: a:b :a b:"),
        ("mailto:x ftp://x HTTP://x", "mailto:x ftp&#58;//x HTTP&#58;//x"),
    ],
)
def test_markdown_is_literal(raw: str, shown: str | None) -> None:
    assert text.markdown(raw) == (raw if shown is None else shown)


@given(hostile.TEXT)
def test_nothing_is_left_that_markdown_html_or_a_table_would_read(raw: str) -> None:
    shown = text.markdown(raw)
    left = re.sub(r"&#[0-9]+;", "", shown)
    assert not set(left) & set("|<>&`*_~[]\\!@#$^{}")
    assert not re.search(r"www\.|://|:[a-z+-][\w+-]*:", left, re.IGNORECASE)
    assert len(left.splitlines()) <= 1
    # And a browser shows what the log does.
    assert re.sub(r"&#([0-9]+);", lambda found: chr(int(found[1])), shown) == text.safe(raw)


# -- credentials -----------------------------------------------------------------------------------


def forms(secret: str) -> set[str]:
    raw = secret.encode("utf-8", "surrogateescape")
    return {
        secret,
        base64.b64encode(raw).decode(),
        base64.b64encode(raw).decode().rstrip("="),
        base64.urlsafe_b64encode(raw).decode(),
        urllib.parse.quote(secret),
        urllib.parse.quote(secret, safe=""),
        urllib.parse.quote(secret, safe="").lower(),
        urllib.parse.quote_plus(secret),
        urllib.parse.quote(base64.b64encode(raw).decode(), safe=""),
    }


@pytest.mark.parametrize("form", sorted(forms(TOKEN) | forms(f"{ACCOUNT_SID}:{SECRET}")))
def test_no_form_of_a_secret_is_shown(form: str) -> None:
    redact = text.Redactor(["", "short", TOKEN, f"{ACCOUNT_SID}:{SECRET}"])
    shown = redact(f"before {form} between {form.upper()} after")
    assert re.sub(r"(=|%3[dD])+ ", " ", shown) == "before *** between *** after"


def test_the_forms_by_themselves() -> None:
    redact = text.Redactor(["a b/c?>>~~"])
    for form in ("a b/c?>>~~", "YSBiL2M/Pj5+fg", "YSBiL2M_Pj5-fg", "YSBiL2M%2FPj5%2Bfg"):
        assert redact(f"<{form}>") == "<***>"
    for form in ("a%20b/c%3F%3E%3E~~", "a%20b%2Fc%3F%3E%3E~~", "a+b%2Fc%3F%3E%3E~~"):
        assert redact(f"<{form}>") == "<***>"


@given(
    st.lists(
        st.text(
            st.characters(min_codepoint=0x20, max_codepoint=0x7E, exclude_characters="*"),
            min_size=6,
        ),
        max_size=3,
    ),
    st.lists(st.sampled_from(["x", " ", "::", "%", "="]), max_size=4),
    st.randoms(use_true_random=False),
)
def test_whatever_the_secrets_are(secrets: list[str], noise: list[str], random: Random) -> None:
    said = [form for secret in secrets for form in sorted(forms(secret))] + noise
    random.shuffle(said)
    shown = text.Redactor(secrets)(" ".join(said))
    for secret in secrets:
        assert secret not in shown
        assert base64.b64encode(secret.encode()).decode() not in shown


def test_the_whole_of_a_form_is_hidden() -> None:
    # Its Base64 ends in an X, has no padding, and differs from the form for addresses.
    redact = text.Redactor(["ab?wordsW"])
    assert redact("<YWI/d29yZHNX> <YWI_d29yZHNX> <ab?wordsW>") == "<***> <***> <***>"
    quoted = 'it\'s "quoted" \\ so'
    said = f"{quoted!r} {json.dumps(quoted)}"
    assert text.Redactor([quoted])(said) == "'***' \"***\""


def test_a_longer_secret_goes_before_one_that_begins_like_it() -> None:
    redact = text.Redactor(["secret", "secret-and-more"])
    assert redact("secret-and-more secret-and-less") == "*** ***-and-less"
    assert text.Redactor(["secret", "Secret-and-more"])("secret-and-more") == "***"


def test_what_looks_like_a_pattern_is_none() -> None:
    assert text.Redactor(["a.c(e)|x*"])("abc a.c(e)|x* e") == "abc *** e"


def test_bytes_that_are_no_utf_8() -> None:
    secret = "secret\udcff"
    encoded = base64.b64encode(b"secret\xff").decode()
    assert text.Redactor([secret])(f"{secret} {encoded} secret%3F") == "*** ***== ***"


@pytest.mark.parametrize("secrets", [[], ["", "12345"]])
def test_nothing_to_hide(secrets: list[str]) -> None:
    assert text.Redactor(secrets)("12345 aGVsbG8=") == "12345 aGVsbG8="


@example("12345")
@example("123456")
@given(st.text(max_size=10))
def test_what_can_be_masked(secret: str) -> None:
    assert text.maskable(secret) is (len(secret) >= 6)
