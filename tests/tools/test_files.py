"""Tables from files: what is read, and how what cannot be read is refused."""

from __future__ import annotations

import gzip
import io
import zipfile
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from askwhy.tools.errors import ToolError, UnknownName
from askwhy.tools.loading.files import FileLimits, read_table, read_with_test

FRAME = pd.DataFrame({"age": [30, 40], "name": ["Zoë", "a,b"], "share": [0.5, None]})


def put(folder: Path, name: str, content: bytes | str) -> Path:
    path = folder / name
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return path


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "latin-1", "cp1252"])
@pytest.mark.parametrize("separator", [",", ";", "\t", "|"])
def test_encodings_and_separators(tmp_path: Path, encoding: str, separator: str) -> None:
    path = put(tmp_path, "d.csv", FRAME.to_csv(index=False, sep=separator).encode(encoding))
    read = read_table(path)
    pd.testing.assert_frame_equal(read.frame, FRAME)
    assert read.ids is None
    assert bool(read.notes) == (encoding in ("latin-1", "cp1252"))


def test_the_kinds_of_files_agree(tmp_path: Path) -> None:
    pytest.importorskip("pyarrow")
    pytest.importorskip("openpyxl")
    frame = FRAME.assign(day=pd.to_datetime(["2020-01-01", "2020-02-01"]), flag=[True, False])
    frame.to_parquet(tmp_path / "d.parquet", index=False)
    frame.to_excel(tmp_path / "d.xlsx", index=False)
    put(tmp_path, "d.csv.gz", gzip.compress(FRAME.to_csv(index=False).encode()))
    pd.testing.assert_frame_equal(read_table(tmp_path / "d.csv.gz").frame, FRAME)
    for name in ("d.parquet", "d.xlsx"):
        read = read_table(tmp_path / name).frame
        pd.testing.assert_frame_equal(read, frame, check_dtype=False)
        assert read["flag"].dtype == bool and pd.api.types.is_datetime64_dtype(read["day"].dtype)


def test_decimal_commas(tmp_path: Path) -> None:
    read = read_table(put(tmp_path, "d.csv", "preis;menge\n1,5;2\n-20,25;3\n"))
    assert read.frame["preis"].tolist() == [1.5, -20.25]
    assert "decimal" in read.notes[0]
    pairs = read_table(put(tmp_path, "d.csv", "pair;share\n1,5;2.5\n2,7;3.5\n"))
    assert pairs.frame["pair"].tolist() == ["1,5", "2,7"]


def test_row_ids(tmp_path: Path) -> None:
    unnamed = read_table(put(tmp_path, "d.csv", ",age\na7,30\nb2,40\n"))
    assert list(unnamed.frame.columns) == ["age"]
    assert unnamed.ids is not None and unnamed.ids.tolist() == ["a7", "b2"]
    repeated = read_table(put(tmp_path, "d.csv", ",age\na7,30\na7,40\n"))
    assert repeated.ids is None and repeated.frame.shape == (2, 2)
    named = read_table(put(tmp_path, "d.csv", "code,age\n5,30\n6,40\n"), id_column="code")
    assert named.ids is not None and named.ids.tolist() == [5, 6] and "code" not in named.frame.columns
    with pytest.raises(UnknownName) as caught:
        read_table(tmp_path / "d.csv", id_column="cod")
    assert caught.value.options == ("code",)


def test_a_test_file_marks_held_out_rows(tmp_path: Path) -> None:
    first = put(tmp_path, "a.csv", "x,y\n1,2\n3,4\n")
    second = put(tmp_path, "b.csv", "y,x\n6,5\n")
    read, mask = read_with_test(first, second)
    assert read.frame.to_numpy().tolist() == [[1, 2], [3, 4], [5, 6]]
    assert mask.tolist() == [False, False, True]
    with pytest.raises(ToolError, match="lacks the column “y”"):
        read_with_test(first, put(tmp_path, "c.csv", "x\n1\n"))


def test_ids_of_two_files_that_both_count_from_zero_say_nothing(tmp_path: Path) -> None:
    first, second = put(tmp_path, "a.csv", ",x\n0,1\n1,3\n"), put(tmp_path, "b.csv", ",x\n0,5\n")
    assert read_with_test(first, second)[0].ids is None
    third = put(tmp_path, "c.csv", ",x\n2,5\n")
    joined = read_with_test(first, third)[0].ids
    assert joined is not None and joined.tolist() == [0, 1, 2]


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("d.csv", b"", "empty"),
        ("d.csv", b"  \n \n", "empty"),
        ("d.csv", b"a,b\n", "no rows"),
        ("d.csv", b",\n1,2\n", "no header"),
        ("d.csv", b"a,b\n1,2\n3\n", "Line 3 of d.csv has 1 cells, and the header has 2"),
        ("d.csv", b"a,b\n1,2,3\n", "Line 2 of d.csv has 3 cells"),
        ("d.csv", b"a,a\n1,2\n", "“a” more than once"),
        ("d.csv", b"a,b\n1,\x002\n", "NUL"),
        ("d.csv", "a,b\n1,2\n".encode("utf-16-le"), "NUL"),
        ("d.csv", b"\x89PNG\x00\xff\xfe", "not a text file"),
        ("d.csv", b"\xff\xfe\x00\xd8a", "not a text file"),
        ("d.csv", b'a,b\n"' + b"x" * 200_000 + b'",2\n', "line"),
        ("d.csv.gz", b"not gzip", "gzip"),
        ("d.csv.gz", gzip.compress(b"a,b\n1,2\n", mtime=0)[:-12], "gzip"),
        ("d.parquet", b"PAR1 no", "Parquet"),
        ("d.xlsx", b"no zip", "Excel"),
        ("d.doc", b"x", "no known kind"),
        ("d.pkl", b"x", "no known kind"),
    ],
)
def test_bad_files_are_refused(tmp_path: Path, name: str, content: bytes, said: str) -> None:
    with pytest.raises(ToolError, match=said):
        read_table(put(tmp_path, name, content))


@pytest.mark.parametrize("path", ["none.csv", "", "a\0b.csv"])
def test_what_is_no_file_is_refused(tmp_path: Path, path: str) -> None:
    with pytest.raises(ToolError):
        read_table(tmp_path / path)


def test_limits(tmp_path: Path) -> None:
    wide = put(tmp_path, "w.csv", ",".join(f"c{i}" for i in range(5000)) + "\n" + ",".join(["1"] * 5000) + "\n")
    with pytest.raises(ToolError, match="5,000 columns; at most 2,000"):
        read_table(wide)
    long = put(tmp_path, "l.csv", "a\n" + "1\n" * 200)
    with pytest.raises(ToolError, match="at most 50 rows"):
        read_table(long, limits=FileLimits(rows=50))
    with pytest.raises(ToolError, match="at most 100 are read"):
        read_table(long, limits=FileLimits(bytes=100))


def test_bombs_are_not_unpacked(tmp_path: Path) -> None:
    limits = FileLimits(bytes=1_000_000)
    bomb = put(tmp_path, "b.csv.gz", gzip.compress(b"a\n" + b"1\n" * 5_000_000, mtime=0))
    assert bomb.stat().st_size < 50_000
    with pytest.raises(ToolError, match="unpacks to more than"):
        read_table(bomb, limits=limits)
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("xl/worksheets/sheet1.xml", b" " * 5_000_000)
    with pytest.raises(ToolError, match="unpacks to"):
        read_table(put(tmp_path, "b.xlsx", packed.getvalue()), limits=limits)


def test_a_parquet_bomb_is_not_unpacked(tmp_path: Path) -> None:
    pyarrow = pytest.importorskip("pyarrow")
    from pyarrow import parquet

    one = pyarrow.DictionaryArray.from_arrays(np.zeros(500, dtype="int32"), ["x" * 100_000])
    parquet.write_table(pyarrow.table({"a": one.cast(pyarrow.string())}), tmp_path / "b.parquet", compression="zstd")
    assert (tmp_path / "b.parquet").stat().st_size < 100_000
    with pytest.raises(ToolError, match="unpacks to more than"):
        read_table(tmp_path / "b.parquet", limits=FileLimits(bytes=10_000_000))
    parquet.write_table(pyarrow.table({"a": np.zeros(100_000)}), tmp_path / "r.parquet")
    with pytest.raises(ToolError, match="at most 1,000 rows"):
        read_table(tmp_path / "r.parquet", limits=FileLimits(rows=1000))


def test_cells_are_never_formulas_or_code(tmp_path: Path) -> None:
    read = read_table(put(tmp_path, "d.csv", 'a,b\n=1+1,"<b>x</b>"\n@cmd,{{7*7}}\n'))
    assert read.frame["a"].tolist() == ["=1+1", "@cmd"]
    assert read.frame["b"].tolist() == ["<b>x</b>", "{{7*7}}"]
