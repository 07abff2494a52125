"""Short secrets that must be read again by this server and by nobody who reads its database: codes, keys of apps."""

import hashlib
import os
from base64 import urlsafe_b64decode, urlsafe_b64encode

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from django.conf import settings

NONCE_BYTES = 12


class NotSealedHere(ValueError):
    """A text that no key of this server opens: the key was changed without keeping the old one as a fallback."""


def seal(secret: str, *, purpose: str) -> str:
    """
    Encrypt a secret under a key that stands in no table.

    :param purpose: what the secret is for; only who names the same purpose can open it
    """
    nonce = os.urandom(NONCE_BYTES)
    sealed = AESGCM(_key(settings.SECRET_KEY)).encrypt(nonce, secret.encode(), purpose.encode())
    return urlsafe_b64encode(nonce + sealed).decode()


def unseal(sealed: str, *, purpose: str) -> str:
    """
    Return a secret.

    :raises NotSealedHere: when it was sealed with another key or for another purpose
    """
    data = urlsafe_b64decode(sealed)
    for secret_key in (settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS):
        try:
            return AESGCM(_key(secret_key)).decrypt(data[:NONCE_BYTES], data[NONCE_BYTES:], purpose.encode()).decode()
        except InvalidTag:
            continue
    raise NotSealedHere


def _key(secret_key: str) -> bytes:
    return hashlib.sha256(b"partner_center.verification.sealing|" + secret_key.encode()).digest()
