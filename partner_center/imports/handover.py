"""What the web process and the reading child hand each other: the job, the files in the folder, the cells."""

import json
from dataclasses import asdict, dataclass

Cell = str | int | float | None  # None is a formula that ended in an error
NumberedCells = tuple[int, list[Cell]]

UPLOAD, COPY, RESULT = "upload", "checked.xlsx", "result"
LONGEST_CELL = 2_000  # characters; one more is passed on, so that the cut is seen
PANIC_EXIT = 70  # the parser met something its authors did not think of


@dataclass(frozen=True)
class ReadingJob:
    """What is to be read: "xlsx" or "csv", and how many rows below the header and columns at most."""

    kind: str
    max_rows: int
    max_columns: int

    def to_json(self) -> str:
        return json.dumps(asdict(self))
