"""Reading the user's table: CSV, Parquet or Excel, within limits, with a clear word for what is wrong with it."""

from __future__ import annotations

import csv
import gzip
import io
import re
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from askwhy.tools.errors import MissingExtra, ToolError, UnknownName
from askwhy.tools.loading.humanize import shorten
from askwhy.tools.subject import Mask, plain

_SEPARATORS = ",;\t|"
_DECIMAL_COMMA = re.compile(r"-?\d+,\d+")
_SNIFFED_LINES = 20


@dataclass(frozen=True)
class FileLimits:
    """The most that is read: bytes (unpacked), rows, columns, and cells."""

    bytes: int = 500_000_000
    rows: int = 2_000_000
    columns: int = 2_000
    cells: int = 100_000_000


@dataclass(frozen=True, eq=False)
class DataFile:
    """A table as read. ids: the row ids that the file itself gives, or None; notes: what the reader had to decide."""

    frame: pd.DataFrame
    ids: pd.Series | None = None
    notes: tuple[str, ...] = ()


def read_table(path: Path | str, *, id_column: str | None = None, limits: FileLimits = FileLimits()) -> DataFile:
    """A .csv (also .tsv, .txt, .csv.gz), .parquet or .xlsx file.

    Row ids are `id_column`, else a first column without a name if its values differ; None means the position counts.
    Raises ToolError for a file that is unreadable, empty, ragged, or beyond the limits, and for names used twice.
    """
    path = Path(path)
    content = _content(path, limits)
    suffix = "".join(path.suffixes[-2:]).lower() if path.suffix.lower() == ".gz" else path.suffix.lower()
    if suffix in (".csv", ".tsv", ".txt", ".csv.gz", ".tsv.gz", ""):
        frame, notes = _read_csv(path, _unpacked(path, content, limits) if suffix.endswith(".gz") else content, limits)
    elif suffix in (".parquet", ".pq"):
        frame, notes = _read_parquet(path, content, limits), ()
    elif suffix in (".xlsx", ".xlsm"):
        frame, notes = _read_excel(path, content, limits), ()
    else:
        raise ToolError(f"{path.name} is no known kind of table; known are .csv, .tsv, .csv.gz, .parquet and .xlsx.")
    _check_size(path, len(frame), frame.shape[1], limits)
    if not len(frame):
        raise ToolError(f"{path.name} has a header but no rows.")
    frame, ids = _take_ids(path, frame, id_column)
    return DataFile(frame, ids, notes)


def read_with_test(
    data: Path | str, test: Path | str, *, id_column: str | None = None, limits: FileLimits = FileLimits()
) -> tuple[DataFile, Mask]:
    """Two files as one table, and the mask of the second's rows: these were held out. Both need the same columns."""
    first, second = (read_table(path, id_column=id_column, limits=limits) for path in (data, test))
    absent = [name for name in first.frame.columns if name not in second.frame.columns]
    if absent:
        raise ToolError(f"{Path(test).name} lacks the column “{shorten(str(absent[0]), 80)}” of {Path(data).name}.")
    frame = pd.concat([first.frame, second.frame[list(first.frame.columns)]], ignore_index=True)
    mask = np.arange(len(frame)) >= len(first.frame)
    ids = None
    if first.ids is not None and second.ids is not None:
        joined = pd.concat([first.ids, second.ids], ignore_index=True)
        # Two files written by themselves may both count from 0: then their ids say nothing here.
        ids = joined if joined.is_unique or id_column is not None else None
    return DataFile(frame, ids, tuple(dict.fromkeys((*first.notes, *second.notes)))), mask


def _content(path: Path, limits: FileLimits) -> bytes:
    try:
        if not path.is_file():
            raise ToolError(f"There is no file {path}." if not path.exists() else f"{path} is not a file.")
        size = path.stat().st_size
        if size > limits.bytes:
            raise ToolError(f"{path.name} has {size:,} bytes; at most {limits.bytes:,} are read.")
        content = path.read_bytes()
    except (OSError, ValueError) as error:
        raise ToolError(f"{path} cannot be read: {error}.") from error
    if not content.strip():
        raise ToolError(f"{path.name} is empty.")
    return content


def _unpacked(path: Path, content: bytes, limits: FileLimits) -> bytes:
    try:
        with gzip.open(io.BytesIO(content)) as stream:
            unpacked = stream.read(limits.bytes + 1)
    except (OSError, EOFError, ValueError) as error:
        raise ToolError(f"{path.name} is not a readable gzip file: {error}.") from error
    if len(unpacked) > limits.bytes:
        raise ToolError(f"{path.name} unpacks to more than {limits.bytes:,} bytes.")
    return unpacked


def _check_size(path: Path, rows: int, columns: int, limits: FileLimits) -> None:
    if columns > limits.columns:
        raise ToolError(f"{path.name} has {columns:,} columns; at most {limits.columns:,} are read.")
    if rows > limits.rows or rows * columns > limits.cells:
        most = min(limits.rows, limits.cells // max(1, columns))
        raise ToolError(f"{path.name} has {rows:,} rows of {columns:,} columns; at most {most:,} rows are read.")


def _check_header(path: Path, names: list[str], limits: FileLimits) -> None:
    _check_size(path, 0, len(names), limits)
    seen: set[str] = set()
    for name in names:
        if name in seen:
            raise ToolError(f"{path.name} has the column “{shorten(name, 80)}” more than once; give each its own name.")
        seen.add(name)


def _read_csv(path: Path, content: bytes, limits: FileLimits) -> tuple[pd.DataFrame, tuple[str, ...]]:
    text, notes = _decoded(path, content)
    separator = _separator(text)
    header = _check_lines(path, text, separator, limits)
    options: dict[str, Any] = {"sep": separator, "header": 0, "names": header, "index_col": False, "low_memory": False}
    try:
        frame = pd.read_csv(io.StringIO(text), **options)
        if separator == ";" and _has_decimal_commas(frame):
            frame = pd.read_csv(io.StringIO(text), decimal=",", **options)
            notes = (*notes, f"Commas in the numbers of {path.name} were read as decimal points.")
    except (ValueError, OverflowError) as error:
        raise ToolError(f"{path.name} cannot be read as a table: {str(error)[:200]}.") from error
    return frame, notes


def _decoded(path: Path, content: bytes) -> tuple[str, tuple[str, ...]]:
    """The text, by its byte order mark, else as UTF-8, else as Windows' or plain Latin-1 (and then a note)."""
    notes: tuple[str, ...] = ()
    try:
        if content.startswith((b"\xff\xfe", b"\xfe\xff")):
            text = content.decode("utf-16")
        else:
            text = content.decode("utf-8-sig")
    except UnicodeDecodeError:
        if b"\0" in content:
            raise ToolError(f"{path.name} is not a text file; a CSV file is expected.") from None
        try:
            text, name = content.decode("cp1252"), "Windows-1252"
        except UnicodeDecodeError:
            text, name = content.decode("latin-1"), "Latin-1"
        notes = (f"{path.name} is not UTF-8 and was read as {name}.",)
    if "\0" in text:
        raise ToolError(f"{path.name} contains NUL characters, so it is no CSV file (or UTF-16 without its mark).")
    return text, notes


def _separator(text: str) -> str:
    """The separator that cuts the first lines into the most cells, all lines alike; a comma if none does."""
    best, most = ",", 1
    head = "".join(line for _, line in zip(range(_SNIFFED_LINES), io.StringIO(text, newline=""), strict=False))
    for separator in _SEPARATORS:
        try:
            widths = [len(row) for row in csv.reader(io.StringIO(head, newline=""), delimiter=separator) if row]
        except csv.Error:
            continue
        if widths and min(widths[:1] + widths[1:-1]) > most:  # the last line may be cut inside a quoted cell
            best, most = separator, min(widths[:1] + widths[1:-1])
    return best


def _check_lines(path: Path, text: str, separator: str, limits: FileLimits) -> list[str]:
    """The header. pandas pads short lines and shifts the columns of long ones without a word, so both are refused."""
    lines = _rows(path, text, separator)
    _, header = next(lines, (0, []))
    if not any(name.strip() for name in header):
        raise ToolError(f"{path.name} has no header line.")
    _check_header(path, header, limits)
    count = 0
    for number, row in lines:
        if len(row) != len(header):
            raise ToolError(f"Line {number} of {path.name} has {len(row)} cells, and the header has {len(header)}.")
        count += 1
        if count > limits.rows:
            break
    _check_size(path, count, len(header), limits)
    return header


def _rows(path: Path, text: str, separator: str) -> Iterator[tuple[int, list[str]]]:
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=separator)
    try:
        for row in reader:
            if row and not (len(row) == 1 and not row[0].strip()):
                yield reader.line_num, row
    except csv.Error as error:
        raise ToolError(f"{path.name} cannot be read at line {reader.line_num}: {error}.") from error


def _has_decimal_commas(frame: pd.DataFrame) -> bool:
    texts = [frame[name].dropna() for name in frame.columns if pd.api.types.is_string_dtype(frame[name].dtype)]
    commas = any(len(cells) and cells.str.fullmatch(_DECIMAL_COMMA).all() for cells in texts)
    return commas and not any(
        pd.api.types.is_float_dtype(dtype) and frame[name].mod(1).any() for name, dtype in frame.dtypes.items()
    )


def _read_parquet(path: Path, content: bytes, limits: FileLimits) -> pd.DataFrame:
    try:
        import pyarrow
        from pyarrow import parquet
    except ImportError as error:
        raise MissingExtra("pyarrow", "parquet") from error
    try:
        file = parquet.ParquetFile(io.BytesIO(content))
        names = list(file.schema_arrow.names)
        _check_header(path, names, limits)
        _check_size(path, file.metadata.num_rows, len(names), limits)
        texts = [field.name for field in file.schema_arrow if pyarrow.types.is_string(field.type)]
        # Kept as dictionaries until their full size is known: a few bytes can stand for gigabytes.
        table = parquet.ParquetFile(io.BytesIO(content), read_dictionary=texts).read()
    except (pyarrow.ArrowException, OSError, ValueError) as error:
        raise ToolError(f"{path.name} is not a readable Parquet file: {str(error)[:200]}.") from error
    size = sum(_text_bytes(table.column(name)) for name in texts)
    if table.nbytes + size > limits.bytes:
        raise ToolError(f"{path.name} unpacks to more than {limits.bytes:,} bytes.")
    plainly = {name: table.column(name).cast(pyarrow.string()) for name in texts}
    for name, column in plainly.items():
        table = table.set_column(table.schema.get_field_index(name), name, column)
    frame: pd.DataFrame = table.to_pandas()
    return frame


def _text_bytes(column: Any) -> int:
    from pyarrow import compute

    total = 0
    for chunk in column.chunks:
        lengths = compute.binary_length(chunk.dictionary)
        total += compute.sum(compute.take(lengths, chunk.indices)).as_py() or 0
    return total


def _read_excel(path: Path, content: bytes, limits: FileLimits) -> pd.DataFrame:
    try:
        import openpyxl
    except ImportError as error:
        raise MissingExtra("openpyxl", "excel") from error
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            unpacked = sum(member.file_size for member in archive.infolist())
        if unpacked > limits.bytes:
            raise ToolError(f"{path.name} unpacks to {unpacked:,} bytes; at most {limits.bytes:,} are read.")
        book = openpyxl.load_workbook(io.BytesIO(content), read_only=True, data_only=True)
        rows = _sheet_rows(path, book.worksheets[0], limits)
    except ToolError:
        raise
    except Exception as error:  # openpyxl raises KeyError, ValueError, ExpatError and more on a damaged file
        raise ToolError(f"{path.name} is not a readable Excel file: {type(error).__name__}.") from error
    if not rows:
        raise ToolError(f"{path.name} is empty.")
    header = ["" if cell is None else str(cell) for cell in rows[0]]
    while header and not header[-1] and all(len(row) < len(header) or row[len(header) - 1] is None for row in rows):
        header.pop()
    _check_header(path, header, limits)
    cells = [[*row, *(None,) * (len(header) - len(row))][: len(header)] for row in rows[1:]]
    return pd.DataFrame(cells, columns=header).infer_objects()


def _sheet_rows(path: Path, sheet: Any, limits: FileLimits) -> list[tuple[Any, ...]]:
    rows: list[tuple[Any, ...]] = []
    for row in sheet.iter_rows(values_only=True):
        if any(cell is not None for cell in row):
            rows.append(row)
        _check_size(path, max(0, len(rows) - 1), len(row), limits)
    return rows


def _take_ids(path: Path, frame: pd.DataFrame, id_column: str | None) -> tuple[pd.DataFrame, pd.Series | None]:
    if id_column is not None:
        if id_column not in frame.columns:
            raise UnknownName(f"column of {path.name}", id_column, [str(name) for name in frame.columns])
        ids = frame[id_column]
        return frame.drop(columns=id_column), ids
    first = frame.columns[0]
    if not str(first).strip() and frame.shape[1] > 1:
        ids = frame[first]
        if ids.notna().all() and ids.map(lambda one: str(plain(one))).is_unique:
            return frame.drop(columns=first), ids
    if isinstance(frame.index, pd.RangeIndex):
        return frame, None
    return frame.reset_index(drop=True), pd.Series(frame.index)
