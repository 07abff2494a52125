"""Uploads as views receive them, and the memory a reading costs this process."""

import io
import re
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

import pytest

from partner_center.imports import Upload, UploadColumn, read_upload

STATUS = Path("/proc/self/status")
FORGET_PEAK = "5"

COLUMNS = [
    UploadColumn("name", "Name", ("Customer name", "姓名"), required=True, longest=64),
    UploadColumn("email", "E-mail", ("email", "邮箱")),
    UploadColumn("mobile", "Mobile number", ("mobile", "手机号"), digits=True),
]


class NamedStream(io.BytesIO):
    def __init__(self, content: bytes, name: str) -> None:
        super().__init__(content)
        self.name = name


@pytest.fixture
def read() -> Callable[..., Upload]:
    def reading(content: bytes, name: str = "list.xlsx", *, max_rows: int = 10_000) -> Upload:
        return read_upload(NamedStream(content, name), columns=COLUMNS, max_rows=max_rows)

    return reading


@pytest.fixture
def little_memory() -> Callable[[], AbstractContextManager[None]]:
    return stays_small


@contextmanager
def stays_small(limit_megabytes: int = 50) -> Iterator[None]:
    """Assert that the highest resident memory of this process rises by less than the limit."""
    Path("/proc/self/clear_refs").write_text(FORGET_PEAK)
    before = _kilobytes("VmRSS")
    yield
    assert _kilobytes("VmHWM") - before < limit_megabytes * 1024


def _kilobytes(field: str) -> int:
    found = re.search(rf"^{field}:\s+(\d+) kB", STATUS.read_text(), re.MULTILINE)
    assert found
    return int(found[1])
