"""The rows a person has to mend, as a file in the layout they uploaded, with the reason beside each."""

import io
import tempfile
from collections.abc import Iterator
from pathlib import Path

from django.utils.translation import gettext as _

from partner_center.exports import plain_columns, write_csv, write_xlsx
from partner_center.jobs.kinds import FaultyRows, ItemJob
from partner_center.jobs.models import Job
from partner_center.jobs.queries import faulty_items
from partner_center.jobs.rules import FileFormat

AT_ONCE = 1_000


def faulty_rows_file(job: Job, kind: ItemJob, layout: FaultyRows, *, file_format: FileFormat) -> bytes:
    """
    Write the faulty rows in clear text: what a person typed is given back to that person, and to nobody else.

    :param layout: headings and cells of the upload; a last column says why
    """
    columns = plain_columns([*layout.headings, _("Reason")])
    rows = _rows(job, kind, layout)
    if file_format == FileFormat.CSV:
        stream = io.BytesIO()
        write_csv(columns, rows, stream)
        return stream.getvalue()
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "rows.xlsx"
        write_xlsx(columns, rows, path, title=_("Rows to mend"))
        return path.read_bytes()


def _rows(job: Job, kind: ItemJob, layout: FaultyRows) -> Iterator[list[object]]:
    for item in faulty_items(job, kind).iterator(chunk_size=AT_ONCE):
        told = [str(kind.reason_text(code)) for code in (item.reason, item.note) if code]
        yield [*layout.cells(item), " ".join(told)]
