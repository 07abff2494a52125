"""What may not be said in details. Pure: no database."""

import hashlib
import uuid

import pytest
from hypothesis import given
from hypothesis import strategies as st

from partner_center.audit.details import PersonalValueError, canonical_details
from partner_center.masking import mask_email, mask_mobile
from partner_center.tenancy.models import new_public_id


@pytest.mark.parametrize(
    "value",
    [
        "li@example.com",
        "Sent to <li.wei+x@mail.example.cn>, twice",
        "张伟@例子.中国",
        "13912345678",
        "+8613912345678",
        "0086-139-1234-5678",
        "+86 (139) 1234 5678",
        "call 139 1234 5678 now",
        "91234567",
        "2026-11-20 13912345678",
    ],
)
@pytest.mark.parametrize("place", ["value", "list", "nested", "key", "inner key"])
def test_addresses_and_numbers_are_refused_wherever_they_stand(value: str, place: str) -> None:
    details = {"value": {"to": value}, "list": {"to": ["a", value]}, "nested": {"x": {"y": value}}, "key": {value: 1}}
    details["inner key"] = {"x": [{value: 1}]}
    with pytest.raises(PersonalValueError) as refusal:
        canonical_details(details[place])
    assert value not in str(refusal.value)


@pytest.mark.parametrize(
    "value",
    [
        "",
        "reseller",
        "E-1207",
        "1234567",
        "2026-11-20",
        "2026-11-20T09:30:00.123456+00:00",
        "2026-11-20 09:30:00Z",
        str(uuid.UUID(int=550_840_029_446_655_440_000)),
        "12345678-1234-5678-1234-567812345678",
        hashlib.sha256(b"0").hexdigest(),
        "1234567890123456789012",
        mask_email("liwei@example.com"),
        mask_mobile("+8613912345678"),
        3,
        13_912_345_678,
        None,
        True,
        1.5,
    ],
)
def test_codes_counts_ids_times_and_masks_may_stand(value: object) -> None:
    assert canonical_details({"value": value}).startswith('{"value":')


@given(seed=st.integers())
def test_a_random_public_id_is_never_taken_for_a_number(seed: int) -> None:
    assert canonical_details({"id": new_public_id()})


def test_the_text_is_the_same_for_the_same_details() -> None:
    assert canonical_details({"b": 1, "a": {"d": [1, "张"], "c": None}}) == '{"a":{"c":null,"d":[1,"\\u5f20"]},"b":1}'
    assert canonical_details({"a": {"c": None, "d": (1, "张")}, "b": 1}) == canonical_details(
        {"b": 1, "a": {"d": [1, "张"], "c": None}}
    )
    assert canonical_details(None) == canonical_details({}) == "{}"


@pytest.mark.parametrize("value", [float("nan"), float("inf"), object(), {1, 2}])
def test_what_is_no_plain_value_is_refused(value: object) -> None:
    with pytest.raises((TypeError, ValueError)):
        canonical_details({"value": value})
