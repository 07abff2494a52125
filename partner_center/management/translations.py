"""Which texts the product shows, and whether each has its Chinese. Needs Babel, not gettext."""

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path

from babel.messages.catalog import Catalog, Message
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po, write_po
from django.conf import settings
from django.utils.translation.template import templatize

LOCALE = "zh_Hans"
PYTHON_ROOTS = ("partner_center", "customers", "invitations", "vouchers")
SINGULAR = {"gettext", "gettext_lazy", "gettext_noop", "_"}
PLURAL = {"ngettext", "ngettext_lazy"}
CONTEXT = {"pgettext", "pgettext_lazy"}
HEADER = """\
# Chinese texts of the Partner Center. `manage.py check_translations --write` adds and drops entries.
msgid ""
msgstr ""
"Language: zh_Hans\\n"
"MIME-Version: 1.0\\n"
"Content-Type: text/plain; charset=utf-8\\n"
"Content-Transfer-Encoding: 8bit\\n"
"Plural-Forms: nplurals=1; plural=0;\\n"

"""
CONTEXT_PLURAL = {"npgettext", "npgettext_lazy"}
PLACEHOLDER = re.compile(r"%\(\w+\)[sd]|%[sd]|\{\w*\}")


@dataclass(frozen=True, order=True)
class Text:
    """One text to translate: `plural` and `context` are empty where there is none."""

    singular: str
    plural: str = ""
    context: str = ""

    @property
    def label(self) -> str:
        return f"{self.context}: {self.singular}" if self.context else self.singular


def po_path() -> Path:
    return Path(settings.LOCALE_PATHS[0]) / LOCALE / "LC_MESSAGES" / "django.po"


def texts_of_product() -> set[Text]:
    """Collect every text of the Python files and templates."""
    texts: set[Text] = set()
    for path in _python_files():
        texts.update(texts_of_python(path.read_text(encoding="utf-8")))
    for path in _template_files():
        texts.update(texts_of_template(path.read_text(encoding="utf-8")))
    return texts


def _python_files() -> Iterator[Path]:
    for root in PYTHON_ROOTS:
        for path in sorted((Path(settings.BASE_DIR) / root).rglob("*.py")):
            if "migrations" not in path.parts:
                yield path


def _template_files() -> Iterator[Path]:
    for suffix in ("*.html", "*.txt"):
        yield from sorted((Path(settings.BASE_DIR) / "templates").rglob(suffix))


def texts_of_python(source: str) -> Iterator[Text]:
    """
    Yield the texts of calls with literal arguments.

    A name bound by `import ... as other` is not followed: the house writes `_`, `gettext` and their kin.
    """
    for node in ast.walk(ast.parse(source)):
        if not isinstance(node, ast.Call):
            continue
        name = node.func.id if isinstance(node.func, ast.Name) else getattr(node.func, "attr", "")
        text = _text_of_call(name, [_literal(argument) for argument in node.args])
        if text is not None and text.singular:
            yield text


def _literal(node: ast.expr) -> str:
    return node.value if isinstance(node, ast.Constant) and isinstance(node.value, str) else ""


def _text_of_call(name: str, words: list[str]) -> Text | None:
    match words:
        case [singular, *_] if name in SINGULAR:
            return Text(singular)
        case [singular, plural, *_] if name in PLURAL:
            return Text(singular, plural)
        case [context, singular, *_] if name in CONTEXT:
            return Text(singular, context=context)
        case [context, singular, plural, *_] if name in CONTEXT_PLURAL:
            return Text(singular, plural, context)
    return None


def texts_of_template(source: str) -> Iterator[Text]:
    """Yield the texts of a template's translate and blocktranslate tags, as Django itself reads them."""
    # templatize() blanks out everything but the calls; what is left between them is not Python.
    for call in re.finditer(r"\b(?:gettext|ngettext|pgettext|npgettext)\(", templated := templatize(source)):
        expression = _balanced(templated, call.start())
        if expression:
            yield from texts_of_python(expression)


def _balanced(source: str, start: int) -> str:
    """Return the shortest stretch from `start` that parses as a call, or nothing."""
    for end in (match.end() for match in re.finditer(r"\)", source[start:])):
        candidate = source[start : start + end]
        try:
            ast.parse(candidate, mode="eval")
        except SyntaxError:
            continue
        return candidate
    return ""


def read_catalogue() -> Catalog:
    path = po_path()
    if not path.exists():
        return Catalog(locale=LOCALE, charset="utf-8", fuzzy=False)
    with path.open("rb") as file:
        return read_po(file, locale=LOCALE)


def texts_of_catalogue(catalogue: Catalog) -> dict[Text, Message]:
    return {_text_of_message(message): message for message in catalogue if message.id}


def _text_of_message(message: Message) -> Text:
    singular, plural = message.id if isinstance(message.id, tuple) else (message.id, "")
    return Text(str(singular), str(plural), message.context or "")


def faults_of_catalogue(catalogue: Catalog, texts: set[Text]) -> list[str]:
    """List texts without Chinese, texts nobody shows any more, and translations that lose a placeholder."""
    known = texts_of_catalogue(catalogue)
    done = {text for text, message in known.items() if _translations(message) and not message.fuzzy}
    faults = [f"no Chinese: {text.label!r}" for text in sorted(texts - done)]
    faults += [f"no longer shown: {text.label!r}" for text in sorted(known.keys() - texts)]
    for text in sorted(texts & done):
        wanted = _placeholders(text.plural or text.singular)
        if any(_placeholders(chinese) != wanted for chinese in _translations(known[text])):
            faults.append(f"placeholders differ: {text.label!r}")
    return faults


def _translations(message: Message) -> list[str]:
    strings = message.string if isinstance(message.string, list | tuple) else [message.string]
    return [str(string) for string in strings] if all(strings) else []


def _placeholders(text: str) -> set[str]:
    return set(PLACEHOLDER.findall(text.replace("%%", "")))


def rewrite_catalogue(catalogue: Catalog, texts: set[Text]) -> Catalog:
    """Make the catalogue of exactly these texts, in alphabetical order, keeping the Chinese that is there."""
    known = texts_of_catalogue(catalogue)
    fresh = Catalog(locale=LOCALE, charset="utf-8", fuzzy=False, project="Partner Center", version="1")
    for text in sorted(texts):
        message = known.get(text)
        fresh.add(
            (text.singular, text.plural) if text.plural else text.singular,
            message.string if message is not None else "",
            context=text.context or None,
            flags=["python-format"] if "%(" in text.singular + text.plural else [],
        )
    return fresh


def write_catalogue(catalogue: Catalog) -> None:
    buffer = BytesIO()
    write_po(buffer, catalogue, omit_header=True, width=120)
    po_path().parent.mkdir(parents=True, exist_ok=True)
    po_path().write_text(f"{HEADER}{buffer.getvalue().decode()}", encoding="utf-8")


def compile_catalogues() -> list[Path]:
    """Compile every .po of LOCALE_PATHS that is newer than its .mo; return what was compiled."""
    compiled = []
    for folder in settings.LOCALE_PATHS:
        for source in sorted(Path(folder).rglob("*.po")):
            target = source.with_suffix(".mo")
            if not target.exists() or target.stat().st_mtime_ns < source.stat().st_mtime_ns:
                _compile(source, target)
                compiled.append(target)
    return compiled


def _compile(source: Path, target: Path) -> None:
    with source.open("rb") as file:
        catalogue = read_po(file, locale=source.parent.parent.name)
    buffer = BytesIO()
    write_mo(buffer, catalogue)
    # Written beside and moved: a server that reads at this moment sees the old file or the new one.
    beside = target.with_suffix(".mo.new")
    beside.write_bytes(buffer.getvalue())
    beside.replace(target)
