"""
Sealed filters: what a person typed about people, as one opaque word that may stand in an address.

Addresses end up in histories, logs and chat windows, so a name or an e-mail address must not stand in one
(decisions.md 6). The word is the filter itself, encrypted; nothing is stored and nothing has to be deleted. Only the
member it was made for can use it, and it is made only by a POST, which is where searches are counted.
"""

import hashlib
import json
import os
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Mapping

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from django.conf import settings

NONCE_BYTES = 12
MOST_CHARACTERS = 8000


def seal(values: Mapping[str, str], *, owner: str) -> str:
    """
    Encrypt filter values into a word for URLs.

    :param owner: public id of the member who may open it
    """
    if not values:
        return ""
    nonce = os.urandom(NONCE_BYTES)
    text = json.dumps(values, ensure_ascii=False, separators=(",", ":")).encode()
    secret = AESGCM(_key(settings.SECRET_KEY)).encrypt(nonce, text, owner.encode())
    return urlsafe_b64encode(nonce + secret).decode().rstrip("=")


def unseal(word: str, *, owner: str) -> dict[str, str]:
    """Return the values of a word made for this member; of any other word nothing."""
    if not word or len(word) > MOST_CHARACTERS or not word.isascii():
        return {}
    try:
        data = urlsafe_b64decode(word + "=" * (-len(word) % 4))
    except ValueError:
        return {}
    for secret_key in (settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS):
        try:
            text = AESGCM(_key(secret_key)).decrypt(data[:NONCE_BYTES], data[NONCE_BYTES:], owner.encode())
        except (InvalidTag, ValueError):
            continue
        return {str(name): str(value) for name, value in json.loads(text).items()}
    return {}


def _key(secret_key: str) -> bytes:
    return hashlib.sha256(b"partner_center.listing.sealing|" + secret_key.encode()).digest()
