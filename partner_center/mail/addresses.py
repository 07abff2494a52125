"""Names and addresses that may stand in a mail (reliability.md 4.5 and 9 A, B). Pure."""

import re
import unicodedata

from django.utils.translation import gettext_lazy as _

from partner_center.refusals import Refusal, Text

LONGEST_NAME = 64
LONGEST_NAME_IN_SUBJECT = 40
LONGEST_ADDRESS = 254
LONGEST_LOCAL_PART = 64

# Format characters hold the bidi overrides and the zero-width ones; surrogates cannot be stored or sent.
INVISIBLE = {"Cc", "Cf", "Cs"}
LINE_BREAKS = "\t\n\v\f\r\x1c\x1d\x1e\x85\u2028\u2029"
OTHER_DOTS = str.maketrans({"。": ".", "．": ".", "｡": "."})
DOMAIN_DOT = re.compile(r"(?<=[\w-])\.(?=[^\W\d_]{2})")
# Of RFC 5322's atoms, without those that relays have used for routing.
LOCAL_PART = re.compile(r"[a-z0-9#$&'*+/=?^_{}~-]+(\.[a-z0-9#$&'*+/=?^_{}~-]+)*")
LABEL = re.compile(r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?")


class BadAddress(Refusal):
    """An e-mail address that no mail will be sent to."""

    code = "bad_address"
    message = "%(reason)s"
    next_step = _("Correct the e-mail address and try again.")
    status = 400


def safe_display(name: str, *, longest: int = LONGEST_NAME) -> str:
    """Strip what is invisible, join lines and spaces, and cut to `longest` characters."""
    spaced = name.translate(dict.fromkeys(map(ord, LINE_BREAKS), " "))
    visible = "".join(char for char in spaced if unicodedata.category(char) not in INVISIBLE)
    collapsed = " ".join(unicodedata.normalize("NFC", visible).split())
    return collapsed if len(collapsed) <= longest else collapsed[: longest - 1].rstrip() + "…"


def defuse(name: str) -> str:
    """Make a name safe to print in a mail: mail programs turn `evil.test` into a link, but not `evil[.]test`."""
    shown = safe_display(name).replace("://", ":/ /").translate(OTHER_DOTS)
    return DOMAIN_DOT.sub("[.]", re.sub(r"(?i)\bwww\.", "www[.]", shown))


def why_unsafe_name(name: str) -> Text | None:
    """Return why a name may not stand in a mail, or None."""
    visible = unicodedata.normalize("NFKC", safe_display(name, longest=len(name) + 1)).translate(OTHER_DOTS)
    if not visible:
        return _("Enter a name.")
    if "<" in visible or ">" in visible:
        return _("A name cannot hold the signs < and >.")
    if "://" in visible or "www." in visible.lower():
        return _("A name cannot hold a web address.")
    if DOMAIN_DOT.search(visible):
        return _("This name looks like a web address. Put a space after the dot.")
    return None


def why_bad_address(address: str) -> Text | None:
    """Return why no mail can be sent to an address, or None."""
    try:
        normalise_address(address)
    except BadAddress as refusal:
        return refusal.values["reason"]  # type: ignore[return-value]
    return None


def normalise_address(address: str) -> str:
    """
    Bring an address into its one form: lower case, the domain in punycode.

    :raises BadAddress: when no mail can be sent there
    """
    trimmed = address.strip(" ")
    if not trimmed:
        raise BadAddress(reason=_("Enter an e-mail address."))
    if len(trimmed) > LONGEST_ADDRESS:
        raise BadAddress(reason=_("An e-mail address has at most 254 characters."))
    local, at, domain = trimmed.rpartition("@")
    if not at or "@" in local:
        raise BadAddress(reason=_("An e-mail address has the form name@example.com."))
    normal = f"{_local_part(local.lower())}@{_domain(domain)}"
    if len(normal) > LONGEST_ADDRESS:
        raise BadAddress(reason=_("An e-mail address has at most 254 characters."))
    return normal


def _local_part(local: str) -> str:
    if len(local) > LONGEST_LOCAL_PART or not LOCAL_PART.fullmatch(local):
        raise BadAddress(reason=_("The part before the @ holds a character that cannot be used."))
    return local


def _domain(domain: str) -> str:
    labels = _punycode(domain.removesuffix(".")).split(".")
    if not all(LABEL.fullmatch(label) for label in labels):
        raise BadAddress(reason=_("The part after the @ is not a domain."))
    # An all-digit end is an IP address; a single label is a machine of ours.
    if len(labels) == 1 or not re.fullmatch(r"[a-z]{2,}|xn--[a-z0-9-]+", labels[-1]) or labels[-1] == "localhost":
        raise BadAddress(reason=_("The part after the @ is not a public domain."))
    return ".".join(labels)


def _punycode(domain: str) -> str:
    if domain.isascii():
        return domain.lower()
    try:
        return domain.encode("idna").decode("ascii").lower()
    except UnicodeError:
        raise BadAddress(reason=_("The part after the @ is not a domain.")) from None
