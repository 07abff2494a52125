"""Safe reading of uploaded workbooks, CSV files and pasted lists: rows out, with a reason for each faulty one."""

from partner_center.imports.columns import Row, RowFault, UploadColumn
from partner_center.imports.intake import LARGEST_UPLOAD
from partner_center.imports.refusals import UploadRefusal
from partner_center.imports.upload import Table, Upload, faulty_table, read_pasted, read_upload

__all__ = [
    "LARGEST_UPLOAD",
    "Row",
    "RowFault",
    "Table",
    "Upload",
    "UploadColumn",
    "UploadRefusal",
    "faulty_table",
    "read_pasted",
    "read_upload",
]
