"""The private folder of job files: random names, readable by the product only."""

import os
import shutil
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import BinaryIO

from django.conf import settings
from django.db import transaction

from partner_center.exports import SpoolDamagedError
from partner_center.tenancy.models import new_public_id

PRIVATE_FILE = 0o600
PRIVATE_FOLDER = 0o700
COPIED_AT_ONCE = 1024 * 1024


def folder() -> Path:
    path = Path(settings.FILES_DIR) / "jobs"
    path.mkdir(mode=PRIVATE_FOLDER, parents=True, exist_ok=True)
    return path


def new_name() -> str:
    return new_public_id()


def path_of(name: str) -> Path:
    """
    Return the path of a stored file.

    :raises ValueError: when the name is empty or would lead out of the folder
    """
    if name in {"", ".", ".."} or Path(name).name != name:
        raise ValueError("not a stored name")
    return folder() / name


def copy_beginning(source: str, target: str, *, size: int) -> None:
    """
    Copy the first bytes of a spool to a new one, so that a worker that wakes up late writes into the old one.

    :raises SpoolDamagedError: when the source is missing or shorter than that
    """
    try:
        with path_of(source).open("rb") as reading, _create(target) as writing:
            if os.fstat(reading.fileno()).st_size < size:
                raise SpoolDamagedError(source)
            shutil.copyfileobj(reading, writing, COPIED_AT_ONCE)
            writing.truncate(size)
            writing.flush()
            os.fsync(writing.fileno())
    except FileNotFoundError:
        raise SpoolDamagedError(source) from None


def _create(name: str) -> BinaryIO:
    handle = os.open(path_of(name), os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, PRIVATE_FILE)
    return os.fdopen(handle, "wb")


def make_durable(path: Path) -> None:
    """Close a finished file to others and put it on the disk."""
    path.chmod(PRIVATE_FILE)
    with path.open("rb") as stream:
        os.fsync(stream.fileno())


def unlink(name: str) -> None:
    if name:
        path_of(name).unlink(missing_ok=True)


def unlink_after_commit(name: str) -> None:
    """Delete a file once the row that named it is gone for good."""
    if name:
        transaction.on_commit(partial(unlink, name))


def stored() -> Iterator[os.DirEntry[str]]:
    with os.scandir(folder()) as entries:
        yield from entries
