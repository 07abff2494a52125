"""Masks: the shapes people see (decisions.md 6, domain.md 4.10)."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from phonenumbers import COUNTRY_CODE_TO_REGION_CODE

from partner_center.masking import mask_account, mask_email, mask_mobile, mask_name, mask_number


@pytest.mark.parametrize(
    ("value", "masked"),
    [
        ("李小明", "李**"),
        ("Zhang Wei", "Z**"),
        ("华北星云科技有限公司", "华**"),
        (" 欧阳锋 ", "欧**"),
        ("张三", "**"),
        ("x", "**"),
        ("\u202eevil", "**"),
        ("\ud83dabc", "**"),
    ],
)
def test_name(value: str, masked: str) -> None:
    assert mask_name(value) == masked


@pytest.mark.parametrize(
    ("value", "masked"),
    [
        ("+8613912345678", "+86 139****5678"),
        ("0086-139 1234 5678", "+86 139****5678"),
        ("+86 (139) 1234-5678", "+86 139****5678"),
        ("13912345678", "139****5678"),
        ("+1 202 555 0123", "+1 202****0123"),
        ("+44 20 7946 0958", "+44 207****0958"),
        ("+852 9123 4567", "+852 ****4567"),
        ("1234567", "****4567"),
        ("123456", "****"),
        ("+86 110", "****"),
        ("not a number", "****"),
        ("１３９１２３４５６７８", "****"),
    ],
)
def test_mobile(value: str, masked: str) -> None:
    assert mask_mobile(value) == masked


@pytest.mark.parametrize("code", sorted(COUNTRY_CODE_TO_REGION_CODE))
def test_every_country_code_of_the_world_is_shown(code: int) -> None:
    assert mask_mobile(f"+{code}5551234567") == f"+{code} 555****4567"


@pytest.mark.parametrize(
    ("value", "masked"),
    [
        ("liwei@example.com", "l***@example.com"),
        ("Li.Wei+cloud@mail.example.cn", "L***@mail.example.cn"),
        ("li@example.com", "***@example.com"),
        ("a@b@example.com", "a***@example.com"),
        ("张伟明@例子.中国", "张***@例子.中国"),
        ("no-at-sign", "n***"),
        ("@example", "@***"),
        ("secret@", "s***"),
        ("x@13912345678", "x***"),
        ("ab", "***"),
    ],
)
def test_email(value: str, masked: str) -> None:
    assert mask_email(value) == masked


@pytest.mark.parametrize(
    ("value", "masked"),
    [
        ("hwc_liwei", "hw***i"),
        ("abcdef", "ab***f"),
        ("abcde", "a***"),
        ("abc", "a***"),
        ("ab", "***"),
        ("星云科技公司", "星云***司"),
    ],
)
def test_account(value: str, masked: str) -> None:
    assert mask_account(value) == masked


@pytest.mark.parametrize(
    ("value", "masked"),
    [
        ("2000123456", "200*****456"),
        ("62a0f1b2c3d4e5d30", "62a*****d30"),
        ("20001234", "20*****34"),
        ("2000123", "*****"),
    ],
)
def test_number(value: str, masked: str) -> None:
    assert mask_number(value) == masked


@given(middle=st.text("0123456789", min_size=4, max_size=4))
def test_hidden_digits_change_nothing(middle: str) -> None:
    assert mask_mobile(f"+86139{middle}5678") == "+86 139****5678"
