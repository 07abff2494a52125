"""The limits on guessing passwords outlive a restart and hold for all processes together."""

import threading
from datetime import timedelta

import pytest
from django.core.cache import cache, caches
from django.core.cache.backends import locmem
from django.db import connection, transaction
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from partner_center.limits import actions
from partner_center.limits.models import CacheEntry
from tests.people import PASSWORD, make_member, make_partner
from tests.rivals import run_together

SIGN_IN = reverse("account_login")
ALLOWED = 5


@pytest.fixture
def member():
    return make_member(make_partner(), "Bob", "operator")


def try_to_sign_in(email, password, address="192.0.2.1"):
    client = Client(REMOTE_ADDR=address)
    answer = client.post(SIGN_IN, {"login": email, "password": password})
    return "_auth_user_id" in client.session, answer


def start_anew():
    """What a restart does to the memory of a process."""
    for store in locmem._caches.values():
        store.clear()


@pytest.mark.django_db
def test_tries_are_counted_across_a_restart(member):
    for _try in range(ALLOWED):
        try_to_sign_in(member.user.email, "wrong horse battery")
        start_anew()
    signed_in, answer = try_to_sign_in(member.user.email, PASSWORD)
    assert not signed_in
    assert "Too many failed login attempts" in answer.content.decode()


@pytest.mark.django_db
def test_who_tries_at_another_address_is_not_stopped(member):
    other = make_member(make_partner(), "Carol", "operator")
    for _try in range(ALLOWED):
        try_to_sign_in(member.user.email, "wrong horse battery")
    assert try_to_sign_in(other.user.email, PASSWORD)[0]


@pytest.mark.django_db(transaction=True)
def test_rivals_get_no_more_tries_together_than_one(member):
    """Each thread has a connection of its own, as each process has."""
    judged = []
    before = type(member.user).check_password

    def check_password(user, password):
        judged.append(password)
        return before(user, password)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(type(member.user), "check_password", check_password)
        run_together(12, lambda number: try_to_sign_in(member.user.email, f"wrong horse {number}", f"192.0.2.{number}"))
    assert 1 <= len(judged) <= ALLOWED
    assert not try_to_sign_in(member.user.email, PASSWORD)[0] or len(judged) < ALLOWED


@pytest.mark.django_db
def test_no_address_stands_in_the_table(member):
    try_to_sign_in(member.user.email, "wrong horse battery")
    kept = str(list(CacheEntry.objects.values_list("cache_key", "value")))
    assert CacheEntry.objects.exists()
    assert member.user.email not in kept
    assert member.user.email.partition("@")[0] not in kept


@pytest.mark.django_db
def test_what_is_over_is_deleted_and_the_rest_stays():
    cache.set("short", 1, timeout=60)
    cache.set("long", 1, timeout=7200)
    assert actions.delete_ended(now=timezone.now() + timedelta(minutes=30)) == 1
    assert list(CacheEntry.objects.values_list("cache_key", flat=True)) == [":1:long"]


@pytest.mark.django_db(transaction=True)
def test_page_does_not_wait_for_who_writes():
    """A sign-in that counts a try holds the one writer of SQLite; the form is read beside it."""
    writes, is_read = threading.Event(), threading.Event()

    def write():
        with transaction.atomic():
            cache.set("try", 1, timeout=60)
            writes.set()
            is_read.wait(60)
        connection.close()

    writer = threading.Thread(target=write)
    writer.start()
    try:
        assert writes.wait(30)
        assert Client().get(SIGN_IN).status_code == 200
    finally:
        is_read.set()
        writer.join()


@pytest.mark.django_db
def test_reading_remembers_nothing_in_the_table(django_assert_num_queries):
    with django_assert_num_queries(0):
        caches["process"].set("more", True)
        assert caches["process"].get("more")
