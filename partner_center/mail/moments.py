"""How a mail says when: the day and the time, with the zone named, in the mail's own language."""

from datetime import UTC, datetime

from django.utils import translation
from django.utils.formats import date_format
from django.utils.translation import gettext, pgettext

from partner_center.tenancy.zones import zone_name, zone_of


def told(at: datetime, *, zone: str, language: str) -> str:
    """
    Say an instant in the words of a mail.

    :param zone: the receiver's, by its name in the tz database; an unknown one is UTC
    :param language: the mail's
    """
    local = at.astimezone(zone_of(zone) or UTC)
    with translation.override(language):
        moment = date_format(local, pgettext("format of a moment in a mail", "j F Y, H:i"))
        return gettext("%(moment)s (%(zone)s)") % {"moment": moment, "zone": zone_name(local)}
