"""The people of tests/people.py."""

from tests.people import alice, bob, carol, charlie, dora, fiona, other_partner, partner, platform_admin

__all__ = ["alice", "bob", "carol", "charlie", "dora", "fiona", "other_partner", "partner", "platform_admin"]
