"""The sentences scripts say. `{name}` is filled by static/js/texts.js."""

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

TEXTS: dict[str, Promise] = {
    "open": _("Open"),
    "copied": _("Copied"),
    "copy_by_hand": _("The browser does not let this page copy. The text is selected: copy it by hand."),
    "selected": _("{count} selected"),
    "all_selected": _("All {count} matching this filter are selected"),
    "select_all": _("Select all {count} matching this filter"),
    "reveal_failed": _("The values could not be revealed. Try again."),
    "error_403": _("You do not have the right to do this. Ask your partner admin."),
    "error_404": _("This does not exist, or it is not yours to see."),
    "error_429": _("Too many requests. Wait a minute and try again."),
    "error_500": _("Something failed on our side. Try again."),
    "error_500_id": _("Something failed on our side. If it happens again, tell support this number: {id}"),
    "error_network": _("The server cannot be reached. Check your connection and try again."),
}


def script_texts() -> dict[str, str]:
    """Return the sentences in the language of this request."""
    return {key: str(sentence) for key, sentence in TEXTS.items()}
