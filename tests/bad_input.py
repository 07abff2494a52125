"""What people and machines type into forms (reliability.md 9 A and B), and a picture of the whole database."""

import hashlib
from collections.abc import Iterable

from django.apps import apps
from django.db import models

# Sessions and limits change at every visit, and change nothing that was asked for.
BESIDE_THE_POINT = frozenset({"django_session", "limits_spending"})

LONGEST = 64
BIDI = "\u202e\u2066\u2069\u200f"
SCRIPT = "<script>alert(1)</script>"
ONLOAD = "\"'><svg onload=alert(1)>"
HYPERLINK = '=HYPERLINK("https evil","click")'
INVISIBLE = ["", "   ", "\t", "\u3000", "\u200b", "\u200b\u2060", "\n"]

NAMES_REFUSED = [
    *INVISIBLE,
    "a\x00b",
    "a\ufffdb",
    "a" * (LONGEST + 1),
    "e\u0301" * 500,
    "a" + "\u0301" * 500,
    "a" * 1_000_000,
    SCRIPT,
    ONLOAD,
    "https://evil.test",
    "evil.test",
    "www.evil",
    "evil\u3002test",
    "ｅｖｉｌ．ｔｅｓｔ",
    f"a{BIDI}gnp.exe",
]
# What is typed, and what is stored.
NAMES_KEPT = {
    "a" * LONGEST: "a" * LONGEST,
    "İ" * LONGEST: "İ" * LONGEST,
    "ﬁ" * LONGEST: "ﬁ" * LONGEST,
    f"Wei{BIDI} Ltd": "Wei Ltd",
    "Jose\u0301": "José",
    "Wеi": "Wеi",
    "  Wei \u3000 Ltd  ": "Wei Ltd",
    "Wei\r\nBcc: v": "Wei Bcc: v",
    "Wei\x0bLtd\x0cand\x85sons\u2028all": "Wei Ltd and sons all",
    "javascript:alert(1)": "javascript:alert(1)",
    "{{7*7}}{% load x %}": "{{7*7}}{% load x %}",
    "${7*7}%(a)s{0}": "${7*7}%(a)s{0}",
    "' OR 1=1--": "' OR 1=1--",
    "%_\\": "%_\\",
    HYPERLINK: HYPERLINK,
    "＝1+1": "＝1+1",
    "@SUM(A1)": "@SUM(A1)",
    "\t=1+1": "=1+1",
    "👨\u200d👩\u200d👧": "👨👩👧",
    "__proto__": "__proto__",
    "null": "null",
    "a" * 40 + "!": "a" * 40 + "!",
}
TAGS_REFUSED = ["a\x00b", "a\ufffdb", "a" * (LONGEST + 1), "a" * 1_000_000]
TAGS_KEPT = {
    SCRIPT: SCRIPT,
    ONLOAD: ONLOAD,
    HYPERLINK: HYPERLINK,
    "{{7*7}}{% load x %}": "{{7*7}}{% load x %}",
    f"fair{BIDI} 2026": "fair 2026",
    "fair\r\n2026": "fair 2026",
    "İ" * LONGEST: "İ" * LONGEST,
    "%_\\": "%_\\",
}
EMAILS_REFUSED = [
    *INVISIBLE,
    "a@b.test\nBcc: v@z.test",
    "a@b.test\r\nBcc: v@z.test",
    "a@b.test%0aBcc:v@z.test",
    "a@b.test,c@d.test",
    "a@b.test;c@d.test",
    '"v@z.test" <a@b.test>',
    "a\x00@b.test",
    "a@localhost",
    "a@[127.0.0.1]",
    "a@10.0.0.1",
    "a" * 65 + "@b.test",
    "a@" + "b" * 250 + ".test",
    "a@b..test",
    ".a@b.test",
    "a b@c.test",
    "用户@例子.测试",
    "a\u200b@b.test",
    "a\u202e@b.test",
    "a@b.test" * 100_000,
    "nobody",
    "@",
]
EMAILS_KEPT = {
    "A@B.Test": "a@b.test",
    "a+tag@b.test": "a+tag@b.test",
    "a@b.test.": "a@b.test",
    " a@b.test ": "a@b.test",
    "=cmd@b.test": "=cmd@b.test",
    "wei@例子.测试": "wei@xn--fsqu00a.xn--0zwm56d",
    "wei@xn--fsqu00a.xn--0zwm56d": "wei@xn--fsqu00a.xn--0zwm56d",
}
ARABIC_DIGITS, WIDE_DIGITS = "\u0663" * 11, "１３９１２３４５６７８"
MOBILES_REFUSED = [ARABIC_DIGITS, WIDE_DIGITS, "phone", "1" * 33, "12", "1.38E+10", "+86 139\x00", "+", "=1+1"]
MOBILES_KEPT = {
    "0086-139 1234 5678": "+8613912345678",
    "+86 139 1234 5678": "+8613912345678",
    "13912345678": "+8613912345678",
}
ACCOUNT_NAMES_REFUSED = ["abcd", "1abcde", "a" * 33, "a b c d", "wei@customer", "аккаунт", "-" * 64 + "!"]


def picture(*, without: Iterable[type[models.Model]] = ()) -> dict[str, tuple[int, str]]:
    """Take a picture of the database: for each table how many rows it has, and a digest of all they hold."""
    left_out = BESIDE_THE_POINT.union(model._meta.db_table for model in without)
    return {table: _digest(model) for model in apps.get_models() if (table := model._meta.db_table) not in left_out}


def _digest(model: type[models.Model]) -> tuple[int, str]:
    rows = list(model._default_manager.order_by("pk").values_list())
    return len(rows), hashlib.sha256(repr(rows).encode("utf-8", "backslashreplace")).hexdigest()
