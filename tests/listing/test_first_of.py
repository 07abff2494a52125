"""The rows of a page are found by their keys first; what was computed for them comes along."""

import pytest
from django.db.models import F, Value
from django.db.models.functions import Concat
from django.utils import timezone

from invitations.models import Invitation
from partner_center.listing.keyset import Order, Place, fetch, first_of
from tests.invitations.rows import make_records

pytestmark = pytest.mark.django_db


def test_rows_behind_the_first_are_not_read(alice):
    make_records(alice, 5, created_at=timezone.now())
    rows = Invitation.objects.of(alice.partner).order_by("-id")
    assert list(first_of(rows, 2).order_by("-id")) == list(rows[:2])


def test_computed_columns_are_shown_filtered_and_sorted_by(alice):
    make_records(alice, 4, created_at=timezone.now(), custom_tag="fair")
    rows = Invitation.objects.of(alice.partner).annotate(sign=Concat(F("custom_tag"), Value("!")))
    rows = rows.filter(sign="fair!")
    page = fetch(rows, visible=rows, order=Order("sign"), place=Place(), size=3, names=["sign"])
    assert [row[page.names.index("sign")] for row in page.rows] == ["fair!"] * 3
    assert not page.at_end
