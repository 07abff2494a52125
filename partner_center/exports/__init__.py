"""Rows in, bytes out: CSV and XLSX files that no spreadsheet can be tricked by. No models, no HTTP."""

from partner_center.exports.columns import Column, UnmaskedColumnError, plain_columns
from partner_center.exports.spool import SpoolDamagedError, Written, append_csv, sha256_of, write_csv
from partner_center.exports.workbooks import csv_to_xlsx, write_xlsx

__all__ = [
    "Column",
    "SpoolDamagedError",
    "UnmaskedColumnError",
    "Written",
    "append_csv",
    "csv_to_xlsx",
    "plain_columns",
    "sha256_of",
    "write_csv",
    "write_xlsx",
]
