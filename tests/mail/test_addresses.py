"""Names and addresses that may stand in a mail (reliability.md 9 A, B)."""

import time

import pytest

from partner_center.mail.addresses import (
    BadAddress,
    defuse,
    normalise_address,
    safe_display,
    why_bad_address,
    why_unsafe_name,
)


@pytest.mark.parametrize(
    ("typed", "normal"),
    [
        ("a@b.test", "a@b.test"),
        ("A@B.Test", "a@b.test"),
        ("  a@b.test ", "a@b.test"),
        ("a+tag@b.test", "a+tag@b.test"),
        ("a@b.test.", "a@b.test"),
        ("o'brien@b.test", "o'brien@b.test"),
        ("=cmd@b.test", "=cmd@b.test"),
        ("a@例子.测试", "a@xn--fsqu00a.xn--0zwm56d"),
        ("a@bücher.example", "a@xn--bcher-kva.example"),
        ("a@xn--bcher-kva.example", "a@xn--bcher-kva.example"),
        (f"{'a' * 64}@b.test", f"{'a' * 64}@b.test"),
    ],
)
def test_address_has_one_normal_form(typed: str, normal: str) -> None:
    assert normalise_address(typed) == normal
    assert normalise_address(normal) == normal
    assert why_bad_address(typed) is None


@pytest.mark.parametrize(
    "typed",
    [
        "",
        "   ",
        "a",
        "@",
        "a@",
        "@b.test",
        "a@b.test\nBcc: v@z.test",
        "a@b.test\r\nBcc: v@z.test",
        "a@b.test\n",
        "a\n@b.test",
        "a@b.test%0aBcc:v@z.test",
        "v%z@b.test",
        "z!v@b.test",
        "a@b.test,c@d.test",
        "a@b;c@d",
        '"v@z" <a@b.test>',
        '"a b"@b.test',
        "a b@b.test",
        "<a@b.test>",
        "a\x00@b.test",
        "a@b\x00.test",
        "a\t@b.test",
        "a@localhost",
        "a@server.localhost",
        "a@[127.0.0.1]",
        "a@[IPv6:::1]",
        "a@10.0.0.1",
        "a@b",
        "a@b.t",
        "a@b..test",
        "a..b@c.test",
        ".a@b.test",
        "a.@b.test",
        "a@-b.test",
        "a@b-.test",
        "a@b_c.test",
        "a@b.test..",
        f"{'a' * 65}@b.test",
        f"a@{'b' * 64}.test",
        f"a@{'b.' * 126}test",
        f"a@{'例' * 250}.测试",
        "用户@例子.测试",
        "a＠b.test",
        "ａ@b.test",
        "a@b.test\u202e",
        "a\ud800@b.test",
        "a@\ud800.test",
        "a@" + "b" * 1_000_000,
        "a@b@c.test",
    ],
)
def test_bad_address_is_refused_with_a_reason(typed: str) -> None:
    started = time.perf_counter()
    with pytest.raises(BadAddress) as caught:
        normalise_address(typed)
    assert str(caught.value)
    assert str(caught.value.advice)
    assert why_bad_address(typed)
    assert time.perf_counter() - started < 0.5


@pytest.mark.parametrize(
    ("typed", "shown"),
    [
        ("Wang Fang", "Wang Fang"),
        ("王芳", "王芳"),
        ("  Wang \t\n Fang\u3000Co ", "Wang Fang Co"),
        ("a\u202egnp.exe", "agnp.exe"),
        ("a\u2066b\u2069", "ab"),
        ("zero\u200bwidth\ufeff", "zerowidth"),
        ("nul\x00\x1b[31m", "nul[31m"),
        ("line\u2028sep\x0bvt\x85nel", "line sep vt nel"),
        ("e\u0301", "é"),
        ("\ud800lone", "lone"),
        ("a" * 65, "a" * 63 + "…"),
        ("\u200b\u3000", ""),
    ],
)
def test_display_is_visible_and_single_line(typed: str, shown: str) -> None:
    assert safe_display(typed) == shown
    assert safe_display(shown) == shown


@pytest.mark.parametrize(
    "name",
    [
        "",
        " \u3000\t",
        "\u200b",
        "https://evil.test",
        "javascript://x",
        "evil.test",
        "Visit evil.test now",
        "www.evil",
        "WWW.evil",
        "ev\u200bil.te\u200bst",
        "evil。com",
        "evil．com",
        "示例.公司",
        "<b>Bold",
        "a>b",
        "＜script＞",
        "a@evil.test",
    ],
)
def test_name_that_could_become_a_link_or_markup_is_refused(name: str) -> None:
    assert str(why_unsafe_name(name))


@pytest.mark.parametrize(
    "name",
    [
        "Wang Fang",
        "王芳",
        "Foo Co., Ltd.",
        "Shenzhen Bar Technology Co.,Ltd",
        "J. R. Smith",
        "3.14",
        "O'Neil & Sons (China)",
        "{{7*7}}",
        "${7*7}",
        "' OR 1=1--",
        "%(a)s",
        "__proto__",
        "javascript:alert(1)",
    ],
)
def test_ordinary_names_pass(name: str) -> None:
    assert why_unsafe_name(name) is None


@pytest.mark.parametrize("name", ["a" * 64 + "!", "a." * 50_000, "." * 100_000, "a" * 1_000_000, "w" * 100_000 + "."])
def test_long_names_are_judged_quickly(name: str) -> None:
    started = time.perf_counter()
    why_unsafe_name(name)
    assert time.perf_counter() - started < 2


@pytest.mark.parametrize("name", ["https://evil.test/x", "evil.test", "www.evil.test", "evil。com", "Amazon.com"])
def test_names_from_elsewhere_lose_their_power(name: str) -> None:
    shown = defuse(name)
    assert "://" not in shown
    assert "www." not in shown
    assert why_unsafe_name(shown) is None
