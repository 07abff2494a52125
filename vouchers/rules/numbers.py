"""Numbers that people read out: random, so that they tell nothing of how many there are (decisions.md 5.7)."""

import secrets

# Without the letters and digits that are taken for each other.
_ALPHABET = "23456789ABCDEFGHJKLMNPQRSTUVWXYZ"


def new_number(prefix: str) -> str:
    """
    Make the number of a quota or a coupon, such as C7KM-2QXD-9RTB: 60 random bits.

    :param prefix: one letter
    """
    letters = [secrets.choice(_ALPHABET) for _position in range(12)]
    groups = ["".join(letters[start : start + 4]) for start in range(0, 12, 4)]
    return f"{prefix}{'-'.join(groups)}"
