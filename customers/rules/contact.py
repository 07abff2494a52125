"""The one form of a name, a mobile number and an account name, whatever form a person typed (reliability.md 9 A, B)."""

import re
import unicodedata

import phonenumbers
from django.utils.translation import gettext_lazy as _

from partner_center.mail.addresses import LONGEST_NAME, safe_display, why_unsafe_name
from partner_center.refusals import Refusal

LONGEST_TYPED = 200
LONGEST_MOBILE = 32
_ACCOUNT_NAME = re.compile(r"[a-z_-][a-z0-9_-]{4,31}")
_MOBILE = re.compile(r"[+0-9][0-9 ()\-]{3,31}")


class BadName(Refusal):
    code = "bad_name"
    message = "%(reason)s"
    next_step = _("Correct the name and try again.")
    status = 400


class BadMobile(Refusal):
    code = "bad_mobile"
    message = _("This is not a mobile number.")
    next_step = _("Write it with its country code, such as +86 139 1234 5678.")
    status = 400


class BadAccountName(Refusal):
    code = "bad_account_name"
    message = _("An account name has 5 to 32 letters, digits, - or _, and begins with a letter.")
    next_step = _("Correct the account name, or leave it empty.")
    status = 400


class BadTag(Refusal):
    code = "bad_tag"
    message = _("A tag has at most 64 characters and no invisible ones.")
    next_step = _("Shorten the tag.")
    status = 400


def normalise_name(text: str) -> str:
    """
    Return a customer's name in its one form: composed, visible, single spaces.

    :raises BadName: if nothing is left, it is too long, or it could pass for a link in a mail
    """
    if len(text) > LONGEST_TYPED or _has_broken_characters(text):
        raise BadName(reason=_("A name has at most 64 characters and no invisible ones."))
    if reason := why_unsafe_name(text):
        raise BadName(reason=reason)
    name = safe_display(text, longest=len(text) + 1)
    if len(name) > LONGEST_NAME:
        raise BadName(reason=_("A name has at most 64 characters and no invisible ones."))
    return name


def normalise_tag(text: str) -> str:
    """
    Return a partner's own tag in its one form; empty stays empty.

    :raises BadTag: if it is too long
    """
    if _has_broken_characters(text) or len(text) > LONGEST_TYPED:
        raise BadTag
    tag = safe_display(text, longest=len(text) + 1)
    if len(tag) > LONGEST_NAME:
        raise BadTag
    return tag


def normalise_mobile(text: str, *, country: str = "CN") -> str:
    """
    Return a mobile number in E.164 form; empty stays empty.

    :param country: where a number without a country code is dialled
    :raises BadMobile: if it is no number that can be dialled
    """
    typed = text.strip(" ")
    if not typed:
        return ""
    if len(typed) > LONGEST_MOBILE or not _MOBILE.fullmatch(typed):
        raise BadMobile
    try:
        number = phonenumbers.parse(_with_plus(typed), country)
    except phonenumbers.NumberParseException:
        raise BadMobile from None
    if not phonenumbers.is_possible_number(number):
        raise BadMobile
    return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)


def _with_plus(typed: str) -> str:
    """Read 0086-139… as +86139…: the form the vendor's own pages print."""
    return f"+{typed[2:]}" if typed.startswith("00") else typed


def normalise_account_name(text: str) -> str:
    """
    Return an account name in lower case; empty stays empty (domain.md 6.5).

    :raises BadAccountName: if it has another shape
    """
    name = text.strip(" ").lower()
    if name and not _ACCOUNT_NAME.fullmatch(name):
        raise BadAccountName
    return name


def _has_broken_characters(text: str) -> bool:
    """NUL cannot be stored, half a surrogate pair cannot be written; U+FFFD stands where bytes were lost."""
    return any(char in "\x00\ufffd" or unicodedata.category(char) == "Cs" for char in text)
