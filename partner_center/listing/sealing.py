"""
Sealed filters: what a person typed about people, as one opaque word that may stand in an address.

Addresses end up in histories, logs and chat windows, so a name or an e-mail address must not stand in one
(decisions.md 6). The word is the filter itself, encrypted; nothing is stored and nothing has to be deleted. Only the
member it was made for can use it, and it is made only by a POST, which is where searches are counted.
"""

import json
from collections.abc import Mapping

from partner_center import sealing

MOST_CHARACTERS = 8000


def seal(values: Mapping[str, str], *, owner: str) -> str:
    """
    Encrypt filter values into a word for URLs.

    :param owner: public id of the member who may open it
    """
    if not values:
        return ""
    return sealing.seal(json.dumps(values, ensure_ascii=False, separators=(",", ":")), purpose=_purpose(owner))


def unseal(word: str, *, owner: str) -> dict[str, str]:
    """Return the values of a word made for this member; of any other word nothing."""
    if not word or len(word) > MOST_CHARACTERS or not word.isascii():
        return {}
    try:
        text = sealing.unseal(word, purpose=_purpose(owner))
    except sealing.NotSealedHere:
        return {}
    return {str(name): str(value) for name, value in json.loads(text).items()}


def _purpose(owner: str) -> str:
    return f"filters of {owner}"
