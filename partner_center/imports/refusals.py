"""Every reason for which an upload is refused whole. Single bad rows are faults of the upload, not refusals."""

from typing import ClassVar

from django.utils.translation import gettext_lazy as _

from partner_center.refusals import Refusal, Text

SAVE_ANEW = _("Open the file in a spreadsheet program, save it as a new .xlsx or .csv file, and upload that.")


class UploadRefusal(Refusal):
    """The uploaded file or pasted list was not read; nothing was changed."""

    code = "upload_refused"
    message: ClassVar[Text] = _("This file cannot be read.")
    next_step: ClassVar[Text] = SAVE_ANEW
    status = 422


class FileEmpty(UploadRefusal):
    code = "file_empty"
    message = _("The file is empty.")
    next_step = _("Fill in at least one row below the headers and upload the file again.")


class FileTooLarge(UploadRefusal):
    code = "file_too_large"
    message = _("The file is larger than %(megabytes)s MB.")
    next_step = _("Remove what is not needed or split the list into several files.")
    status = 413


class FileTypeUnknown(UploadRefusal):
    code = "file_type_unknown"
    message = _("Only .xlsx and .csv files can be read.")


class FileTypeMismatch(UploadRefusal):
    code = "file_type_mismatch"
    message = _("The content of the file is not what its name says.")


class WorkbookOld(UploadRefusal):
    code = "workbook_old"
    message = _("This is a workbook of the old .xls format.")


class WorkbookMacros(UploadRefusal):
    code = "workbook_macros"
    message = _("The workbook contains macros or embedded files.")


class WorkbookEncrypted(UploadRefusal):
    code = "workbook_encrypted"
    message = _("The workbook is protected by a password.")
    next_step = _("Remove the password, save the workbook and upload it again.")


class WorkbookDamaged(UploadRefusal):
    code = "workbook_damaged"
    message = _("The workbook is damaged or incomplete.")


class WorkbookUnsafe(UploadRefusal):
    code = "workbook_unsafe"
    message = _("The workbook is packed in a way that is not safe to open.")


class WorkbookTooLarge(UploadRefusal):
    code = "workbook_too_large"
    message = _("The content of the file is too large to read.")
    next_step = _("Keep only the columns that are asked for, or split the list into several files.")
    status = 413


class SheetMissing(UploadRefusal):
    code = "sheet_missing"
    message = _("The workbook has no visible sheet with cells.")
    next_step = _("Put the list on the first sheet, unhide it and upload the workbook again.")


class RowsTooMany(UploadRefusal):
    code = "rows_too_many"
    message = _("The list is longer than %(rows)s rows.")
    next_step = _("Split the list into several files. Delete formatted but empty rows below it.")
    status = 413


class ColumnsTooMany(UploadRefusal):
    code = "columns_too_many"
    message = _("The list is wider than %(columns)s columns.")
    next_step = _("Delete the columns to the right of the list, also those that look empty.")


class HeaderMerged(UploadRefusal):
    code = "header_merged"
    message = _("Cells of the header row are merged.")
    next_step = _("Unmerge them, so that every column has its own header in the first row.")


class ColumnsMissing(UploadRefusal):
    code = "columns_missing"
    message = _("These columns are missing: %(missing)s.")
    next_step = _("Name the columns in the first row as in the template: %(expected)s.")


class ColumnRepeated(UploadRefusal):
    code = "column_repeated"
    message = _("The column %(header)s stands in the list more than once.")
    next_step = _("Keep one of them and upload the list again.")


class RowsMissing(UploadRefusal):
    code = "rows_missing"
    message = _("The list has no rows below its headers.")
    next_step = _("Fill in at least one row and try again.")


class EncodingUnknown(UploadRefusal):
    code = "encoding_unknown"
    message = _("The text of the file is in an unknown encoding.")
    next_step = _("Save the file as “CSV UTF-8” or as .xlsx and upload it again.")


class TextMalformed(UploadRefusal):
    code = "text_malformed"
    message = _("The list cannot be divided into columns at line %(line)s.")
    next_step = _("Look for a quotation mark that is not closed or for a very long text, and try again.")


class TakesTooLong(UploadRefusal):
    code = "takes_too_long"
    message = _("The file takes too much time or memory to read.")


BY_CODE: dict[str, type[UploadRefusal]] = {kind.code: kind for kind in UploadRefusal.__subclasses__()}
