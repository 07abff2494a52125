"""Ending an association: once, logged, and for a member only with the code where the partner asks for one."""

import pytest
from django.utils import timezone

from customers import actions as customers
from customers.models import Association
from partner_center.audit.models import AuditEntry, Deed
from partner_center.mail.sending import send_due
from partner_center.tenancy.models import Member
from partner_center.verification.questions import AlreadySpent, CodeNeeded
from tests.people import actor_of
from tests.vouchers.making import make_customer

pytestmark = pytest.mark.django_db


def about(customer: Association, member: Member, reason: str = "moved") -> dict[str, object]:
    return {
        "association": customer,
        "reason": reason,
        "member": member,
        "actor": actor_of(member),
        "now": timezone.now(),
    }


@pytest.fixture
def customer(alice: Member) -> Association:
    return make_customer(alice)


@pytest.fixture
def asking(alice: Member) -> Member:
    alice.partner.verification_enabled = True
    alice.partner.save(update_fields=["verification_enabled"])
    return alice


def is_over(customer: Association) -> bool:
    return Association.objects.filter(pk=customer.pk, ended_at__isnull=False).exists()


def test_a_member_ends_it_once(customer: Association, alice: Member) -> None:
    proof = customers.ask_to_end(**about(customer, alice), code="")
    customers.end_association(**about(customer, alice), proof=proof)

    assert is_over(customer)
    entry = AuditEntry.objects.get(deed=Deed.ASSOCIATION_ENDED)
    assert (entry.object_id, entry.actor_id) == (customer.public_id, alice.public_id)
    with pytest.raises(customers.AssociationOver):
        customers.end_association(**about(customer, alice), proof=proof)
    assert AuditEntry.objects.filter(deed=Deed.ASSOCIATION_ENDED).count() == 1


def test_without_a_proof_no_member_ends_it(customer: Association, alice: Member) -> None:
    with pytest.raises(AlreadySpent):
        customers.end_association(**about(customer, alice), proof=None)
    assert not is_over(customer)


def test_where_the_partner_asks_for_a_code_there_is_no_way_round(customer: Association, asking: Member) -> None:
    with pytest.raises(CodeNeeded):
        customers.ask_to_end(**about(customer, asking), code="")
    assert send_due(clock=timezone.now)
    assert not is_over(customer)


def test_a_proof_of_one_reason_ends_nothing_for_another(customer: Association, alice: Member) -> None:
    proof = customers.ask_to_end(**about(customer, alice), code="")
    with pytest.raises(AlreadySpent):
        customers.end_association(**about(customer, alice, "other"), proof=proof)
    assert not is_over(customer)


def test_what_has_ended_asks_for_no_code(customer: Association, asking: Member) -> None:
    customers.end_association(**{**about(customer, asking), "member": None}, proof=None)
    with pytest.raises(customers.AssociationOver):
        customers.ask_to_end(**about(Association.objects.get(pk=customer.pk), asking), code="")


def test_nobody_ends_what_is_another_partners(customer: Association, charlie: Member) -> None:
    with pytest.raises(customers.AssociationOver):
        customers.ask_to_end(**about(customer, charlie), code="")
    own = make_customer(charlie)
    proof = customers.ask_to_end(**about(own, charlie), code="")
    with pytest.raises((AlreadySpent, customers.AssociationOver)):
        customers.end_association(**about(customer, charlie), proof=proof)
    assert not is_over(customer)
