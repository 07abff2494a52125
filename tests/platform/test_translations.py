"""The check itself: it must find what lacks Chinese, and nothing else."""

from babel.messages.catalog import Catalog

from partner_center.management.translations import Text, faults_of_catalogue, rewrite_catalogue
from partner_center.management.translations import texts_of_python as python
from partner_center.management.translations import texts_of_template as template


def test_texts_of_python_calls() -> None:
    source = (
        'a = _("One")\nb = ngettext("%(n)d row", "%(n)d rows", 2)\nc = pgettext("verb", "Open")\nd = other("Not")\n'
    )

    assert set(python(source)) == {Text("One"), Text("%(n)d row", "%(n)d rows"), Text("Open", context="verb")}


def test_texts_of_python_skips_what_is_no_literal() -> None:
    assert list(python('_(name)\n_(f"{name}")\n')) == []


def test_texts_of_template_tags() -> None:
    source = """{% load i18n %}<p>{% translate "Sign in (again)" %}</p>
    {% blocktranslate count n=rows %}{{ n }} row{% plural %}{{ n }} rows{% endblocktranslate %} gettext("not this" """

    assert set(template(source)) == {Text("Sign in (again)"), Text("%(n)s row", "%(n)s rows")}


def catalogue_with(*pairs: tuple[str, str]) -> Catalog:
    catalogue = Catalog(locale="zh_Hans", fuzzy=False)
    for english, chinese in pairs:
        catalogue.add(english, chinese)
    return catalogue


def test_faults_name_missing_obsolete_and_lost_placeholders() -> None:
    catalogue = catalogue_with(("Send", "发送"), ("Old", "旧"), ("Hello %(name)s", "你好"), ("Empty", ""))
    texts = {Text("Send"), Text("Hello %(name)s"), Text("Empty"), Text("New")}

    assert faults_of_catalogue(catalogue, texts) == [
        "no Chinese: 'Empty'",
        "no Chinese: 'New'",
        "no longer shown: 'Old'",
        "placeholders differ: 'Hello %(name)s'",
    ]


def test_no_faults_where_all_is_translated() -> None:
    assert faults_of_catalogue(catalogue_with(("Send", "发送")), {Text("Send")}) == []


def test_rewriting_keeps_chinese_adds_and_drops() -> None:
    fresh = rewrite_catalogue(catalogue_with(("Send", "发送"), ("Old", "旧")), {Text("Send"), Text("New")})

    assert {message.id: message.string for message in fresh if message.id} == {"New": "", "Send": "发送"}
