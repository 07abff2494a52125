"""Sealed words: texts that this server can read again, and nobody who reads its database, its addresses or its logs."""

import hashlib
import os
from base64 import urlsafe_b64decode, urlsafe_b64encode

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from django.conf import settings

NONCE_BYTES = 12


class NotSealedHere(ValueError):
    """A word that no key of this server opens for this purpose."""


def seal(text: str, *, purpose: str) -> str:
    """
    Encrypt a text under a key that stands in no table, as a word that may stand in an address.

    :param purpose: what and whom the text is for; only who names the same purpose can open it
    """
    nonce = os.urandom(NONCE_BYTES)
    sealed = AESGCM(_key(settings.SECRET_KEY)).encrypt(nonce, text.encode(), purpose.encode())
    return urlsafe_b64encode(nonce + sealed).decode().rstrip("=")


def unseal(word: str, *, purpose: str) -> str:
    """
    Return the text of a word, also of one that was sealed with a former key.

    :raises NotSealedHere: when it was sealed elsewhere or for another purpose, or is no such word at all
    """
    try:
        data = urlsafe_b64decode(word + "=" * (-len(word) % 4))
    except ValueError:
        raise NotSealedHere from None
    for secret_key in (settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS):
        try:
            return AESGCM(_key(secret_key)).decrypt(data[:NONCE_BYTES], data[NONCE_BYTES:], purpose.encode()).decode()
        except (InvalidTag, ValueError):
            continue
    raise NotSealedHere


def _key(secret_key: str) -> bytes:
    return hashlib.sha256(b"partner_center.sealing|" + secret_key.encode()).digest()
