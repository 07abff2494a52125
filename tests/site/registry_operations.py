"""The operation log, its review and its files: who may read, mark and export them."""

from tests.site import world as w
from tests.site.addresses import VIEWERS, Address, public_id
from tests.site.registry import JOB_OF_BOB

ADDRESSES = [
    # A history export has no manifest; that of the operation log is tested in tests/vouchers/test_operations_export.py.
    Address(name="jobs:manifest", who=VIEWERS, args=public_id(w.make_export), answer=404, others=JOB_OF_BOB),
]
