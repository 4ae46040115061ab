"""What comes out of a file is what went in, and what cannot be read is refused with a sentence."""

import sys

import numpy as np
import pytest
import scipy.io
import scipy.sparse as sp
import tifffile
from PIL import Image

from multiconvex import read_array, read_labels
from multiconvex.own_data import limits

RNG = np.random.default_rng(0)
TABLE = RNG.standard_normal((7, 4)) * 10.0 ** RNG.integers(-8, 8, (7, 4))
CUBE = RNG.integers(0, 200, (3, 5, 4)).astype(float)


def write(folder, text, name="table.csv", encoding="utf-8"):
    path = folder / name
    path.write_bytes(text.encode(encoding))
    return path


def as_text(separator, header=None, rows=None, array=TABLE):
    lines = [separator.join(header)] if header else []
    for i, row in enumerate(array):
        lines.append(separator.join([*([rows[i]] if rows else []), *(repr(float(v)) for v in row)]))
    return "\n".join(lines) + "\n"


class TestTables:
    @pytest.mark.parametrize("separator", [",", ";", "\t", " "])
    @pytest.mark.parametrize("header", [None, ["a", "b", "c", "d"]])
    @pytest.mark.parametrize("rows", [None, [f"s{i}" for i in range(7)]])
    def test_every_digit_comes_back(self, tmp_path, separator, header, rows):
        titles = ["name", *header] if header and rows else header
        path = write(tmp_path, as_text(separator, titles, rows))
        np.testing.assert_array_equal(read_array(path), TABLE)
        assert read_labels(path) == (tuple(rows or ()), tuple(header or ()))

    def test_what_numpy_writes(self, tmp_path):
        np.savetxt(tmp_path / "plain.txt", TABLE, header="four columns")
        np.testing.assert_array_equal(read_array(tmp_path / "plain.txt"), TABLE)
        np.savetxt(tmp_path / "row.tsv", TABLE[:1], delimiter="\t")
        np.testing.assert_array_equal(read_array(tmp_path / "row.tsv"), TABLE[:1])
        np.savetxt(tmp_path / "column.csv", TABLE[:, :1])
        np.testing.assert_array_equal(read_array(tmp_path / "column.csv"), TABLE[:, :1])

    def test_an_empty_corner_means_names_of_rows(self, tmp_path):
        path = write(tmp_path, ",400,410\n0,1,2\n1,3,4\n2,5,6\n")
        text = write(tmp_path, ",x,y\n0,1,2\n1,3,4\n2,5,6\n", "text.csv")
        np.testing.assert_array_equal(read_array(text), [[1, 2], [3, 4], [5, 6]])
        assert read_labels(text) == (("0", "1", "2"), ("x", "y"))
        # two numbers beside an empty corner may as well be data with a gap
        np.testing.assert_array_equal(
            read_array(path), [[np.nan, 400, 410], [0, 1, 2], [1, 3, 4], [2, 5, 6]]
        )

    def test_a_heading_without_a_corner(self, tmp_path):
        path = write(tmp_path, "x,y\ns,1,2\nt,3,4\n")
        np.testing.assert_array_equal(read_array(path), [[1, 2], [3, 4]])
        assert read_labels(path) == (("s", "t"), ("x", "y"))

    def test_positions_above_named_rows_are_a_heading(self, tmp_path):
        spectra = "sample,400,410,420,430,440\nlake,3,1,2,5,4\nshore,4,1,1,2,3\n"
        path = write(tmp_path, spectra)
        assert read_array(path).shape == (2, 5)
        assert read_labels(path).columns == ("400", "410", "420", "430", "440")
        shuffled = write(tmp_path, spectra.replace("400,410", "410,400"), "data.csv")
        assert read_array(shuffled).shape == (3, 5)
        assert read_labels(shuffled) == (("sample", "lake", "shore"), ())

    def test_text_above_numbers_is_a_heading(self, tmp_path):
        path = write(tmp_path, "time,1,2\n0,3,4\n1,5,6\n")
        np.testing.assert_array_equal(read_array(path), [[0, 3, 4], [1, 5, 6]])

    @pytest.mark.parametrize(
        "missing", ["", " ", "NA", "n/a", "#N/A", "<NA>", "NaN", "null", "-", "."]
    )
    def test_gaps_become_nan(self, tmp_path, missing):
        path = write(tmp_path, f"1,2\n{missing},4\n5,6\n")
        np.testing.assert_array_equal(read_array(path), [[1, 2], [np.nan, 4], [5, 6]])

    def test_decimal_commas_between_semicolons(self, tmp_path):
        path = write(tmp_path, "a;b\n1,5;-2,25e-3\n3;4\n")
        np.testing.assert_array_equal(read_array(path), [[1.5, -2.25e-3], [3, 4]])

    def test_clutter_is_skipped(self, tmp_path):
        text = '\ufeff# instrument 7\r\n"a, mg";b;\r\n\r\n1;2;\r\n3;4;\r\n;;\r\n'
        path = write(tmp_path, text)
        np.testing.assert_array_equal(read_array(path), [[1, 2], [3, 4]])
        assert read_labels(path).columns == ("a, mg", "b")

    def test_text_is_located(self, tmp_path):
        path = write(tmp_path, "time,dose\n0,1\n\n1,high\n2,3\n")
        with pytest.raises(ValueError, match=r"Line 4, column 2 \('dose'\) .* holds 'high'"):
            read_array(path)
        with pytest.raises(ValueError, match=r"Line 2, column 1 .* holds '1_0'"):
            read_array(write(tmp_path, "1,2\n1_0,4\n", "b.csv"))

    def test_ragged_lines_are_located(self, tmp_path):
        with pytest.raises(ValueError, match=r"Line 3 .* has 2 cells where 3 were expected"):
            read_array(write(tmp_path, "1,2,3\n4,5,6\n7,8\n"))
        with pytest.raises(ValueError, match="4 names in its heading and 2 cells in line 2"):
            read_array(write(tmp_path, "a,b,c,d\n1,2\n", "b.csv"))

    @pytest.mark.parametrize("odd", ["1.234,5", "1 234,5", "$1", "3%", "1'000"])
    @pytest.mark.parametrize("heading", ["", "a;b\n"])
    def test_numbers_in_another_notation_are_no_names(self, tmp_path, odd, heading):
        """Taken for the name of a row or a column, such a number would be lost without a word."""
        for text in (f"{odd};2\n{odd};3\n", f"2;{odd}\n3;4\n", f"{odd};2\n3;4\n"):
            path = write(tmp_path, heading + text)
            with pytest.raises(ValueError, match="write it with a decimal point"):
                read_array(path)

    def test_signs_and_blanks_of_typesetters_are_read(self, tmp_path):
        path = write(tmp_path, "a;b\n\N{MINUS SIGN}1;2\n1\N{NO-BREAK SPACE}234,5;3\n7\u202f000;4\n")
        np.testing.assert_array_equal(read_array(path), [[-1, 2], [1234.5, 3], [7000, 4]])

    def test_two_decimal_marks_in_one_table_are_refused(self, tmp_path):
        path = write(tmp_path, "a;b\n1,5;2\n3;4\n1.234;2\n")
        with pytest.raises(ValueError, match="a comma in line 2 and with a point in line 4"):
            read_array(path)

    def test_headings_with_signs_are_headings(self, tmp_path):
        path = write(tmp_path, "dose,5%,10%\n1,2,3\n4,5,6\n")
        assert read_labels(path).columns == ("dose", "5%", "10%")
        np.testing.assert_array_equal(read_array(path), [[1, 2, 3], [4, 5, 6]])

    def test_a_column_is_either_names_or_numbers(self, tmp_path):
        for text in ("id,x\nA,1\n7,2\n", "id,x\n7,1\nA,2\n"):
            with pytest.raises(ValueError, match=r"holds 'A' .* leave the heading .* empty"):
                read_array(write(tmp_path, text))
            path = write(tmp_path, text.replace("id", ""))
            np.testing.assert_array_equal(read_array(path), [[1], [2]])

    def test_dates_name_rows_and_are_refused_elsewhere(self, tmp_path):
        path = write(tmp_path, "date,x\n01.02.2024,1\n02.02.2024,2\n")
        assert read_labels(path).rows == ("01.02.2024", "02.02.2024")
        path = write(tmp_path, "x,date\n1,2024-02-01\n2,2024-02-02\n")
        with pytest.raises(ValueError, match="leave this column out, or make it the first one"):
            read_array(path)

    def test_a_declared_separator_is_no_line(self, tmp_path):
        np.testing.assert_array_equal(
            read_array(write(tmp_path, "sep=;\na;b\n1,5;2\n")), [[1.5, 2]]
        )

    def test_bars_separate(self, tmp_path):
        np.testing.assert_array_equal(read_array(write(tmp_path, "a|b\n1|2\n")), [[1, 2]])

    @pytest.mark.parametrize(
        ("text", "said"),
        [("", "is empty"), ("\n,,\n# only this\n", "is empty"), ("a,b\n", "a heading and no rows")],
    )
    def test_nothing_is_no_table(self, tmp_path, text, said):
        with pytest.raises(ValueError, match=said):
            read_array(write(tmp_path, text))

    def test_other_encodings_are_refused(self, tmp_path):
        with pytest.raises(ValueError, match="save it as CSV in UTF-8"):
            read_array(write(tmp_path, "1,2\n3,4\n", encoding="utf-16"))


class TestNumPy:
    @pytest.mark.parametrize("dtype", [np.float64, np.float32, np.int16, np.uint8, bool])
    def test_npy(self, tmp_path, dtype):
        array = CUBE.astype(dtype)
        np.save(tmp_path / "cube.npy", np.asfortranarray(array))
        found = read_array(tmp_path / "cube.npy")
        np.testing.assert_array_equal(found, array)
        assert found.dtype == (np.float32 if dtype is np.float32 else np.float64)

    def test_npz(self, tmp_path):
        path = tmp_path / "several.npz"
        np.savez_compressed(path, cube=CUBE, table=TABLE, gain=3.0)
        np.testing.assert_array_equal(read_array(path, key="cube"), CUBE)
        np.testing.assert_array_equal(read_array(path, "gain"), 3.0)
        with pytest.raises(ValueError, match=r"key=.*cube \(3, 5, 4\), table \(7, 4\), gain \(\)"):
            read_array(path)
        with pytest.raises(ValueError, match="has no array 'image'"):
            read_array(path, key="image")

    def test_the_only_large_array_needs_no_key(self, tmp_path):
        np.savez(tmp_path / "one.npz", size=np.array([3, 5]), cube=CUBE)
        np.testing.assert_array_equal(read_array(tmp_path / "one.npz"), CUBE)

    def test_objects_are_never_unpickled(self, tmp_path):
        class Spy:
            def __reduce__(self):
                return (pytest.fail, ("unpickled",))

        array = np.empty((2, 2), object)
        array[:] = Spy()
        np.save(tmp_path / "objects.npy", array, allow_pickle=True)
        with pytest.raises(ValueError, match="holds Python objects, which could run code"):
            read_array(tmp_path / "objects.npy")
        np.savez(tmp_path / "objects.npz", X=array, table=TABLE)
        np.testing.assert_array_equal(read_array(tmp_path / "objects.npz"), TABLE)
        with pytest.raises(ValueError, match="has no array 'X'"):
            read_array(tmp_path / "objects.npz", key="X")

    @pytest.mark.parametrize("suffix", [".npy", ".npz", ".mat", ".png", ".tif", ".hdr"])
    def test_damaged_files_are_refused(self, tmp_path, suffix):
        path = tmp_path / f"damaged{suffix}"
        path.write_bytes(b"nothing that one could read, however long one looks at it" * 9)
        with pytest.raises(ValueError, match=f"damaged{suffix}"):
            read_array(path)

    @pytest.mark.parametrize("suffix", [".npy", ".npz", ".mat"])
    @pytest.mark.parametrize("share", [0.02, 0.5, 0.95])
    def test_files_that_were_cut_short_are_refused(self, tmp_path, suffix, share):
        path = tmp_path / f"cut{suffix}"
        save = {".npy": np.save, ".npz": lambda p, X: np.savez(p, X=X)}.get(
            suffix, lambda p, X: scipy.io.savemat(p, {"X": X})
        )
        save(path, CUBE)
        path.write_bytes(path.read_bytes()[: int(share * path.stat().st_size)])
        with pytest.raises(ValueError, match=f"cut{suffix}"):
            read_array(path)

    def test_sparse_matrices_are_filled_in(self, tmp_path):
        sp.save_npz(tmp_path / "sparse.npz", sp.csr_matrix(np.diag([1.0, 2.0, 3.0])))
        np.testing.assert_array_equal(read_array(tmp_path / "sparse.npz"), np.diag([1, 2, 3]))

    @pytest.mark.parametrize(
        ("array", "said"),
        [
            (np.array([1j]), "complex numbers"),
            (np.array(["a"]), "no numbers"),
            (np.empty((0, 3)), r"is empty: its array has shape \(0, 3\)"),
        ],
    )
    def test_what_is_no_data_is_refused(self, tmp_path, array, said):
        np.save(tmp_path / "odd.npy", array)
        with pytest.raises(ValueError, match=said):
            read_array(tmp_path / "odd.npy")


class TestMatlab:
    def test_dense_sparse_and_scalars(self, tmp_path):
        path = tmp_path / "data.mat"
        scipy.io.savemat(path, {"nRow": 3, "V": CUBE, "note": "text"})
        np.testing.assert_array_equal(read_array(path), CUBE)
        scipy.io.savemat(path, {"S": sp.csc_matrix(np.eye(4)), "V": CUBE})
        np.testing.assert_array_equal(read_array(path, key="S"), np.eye(4))
        with pytest.raises(ValueError, match="key="):
            read_array(path)

    def test_newer_files_say_how_to_save(self, tmp_path):
        path = tmp_path / "new.mat"
        path.write_bytes(b"MATLAB 7.3 MAT-file".ljust(124) + b"\x00\x02IM" + bytes(400))
        with pytest.raises(ValueError, match="-v7"):
            read_array(path)


class TestImages:
    @pytest.mark.parametrize("mode", ["L", "RGB", "RGBA", "LA", "P"])
    def test_png(self, tmp_path, mode):
        colours = RNG.integers(0, 255, (5, 6, 3), dtype=np.uint8)
        image = Image.fromarray(colours)
        expected = colours if mode in ("RGB", "RGBA") else np.asarray(image.convert("L"))
        if mode == "P":
            image = image.quantize(8)
            expected = np.asarray(image.convert("RGB"))
        image.convert(mode).save(tmp_path / "image.png")
        np.testing.assert_array_equal(read_array(tmp_path / "image.png"), expected)

    def test_sixteen_bits(self, tmp_path):
        deep = RNG.integers(0, 60_000, (5, 6), dtype=np.uint16)
        Image.fromarray(deep).save(tmp_path / "deep.png")
        np.testing.assert_array_equal(read_array(tmp_path / "deep.png"), deep)

    def test_pages_of_a_tiff_are_bands(self, tmp_path):
        path = tmp_path / "stack.tif"
        tifffile.imwrite(
            path, np.moveaxis(CUBE, -1, 0).astype(np.float32), photometric="minisblack"
        )
        np.testing.assert_array_equal(read_array(path), CUBE)
        colours = RNG.integers(0, 255, (5, 6, 3), dtype=np.uint8)
        tifffile.imwrite(path, colours, photometric="rgb")
        np.testing.assert_array_equal(read_array(path), colours)
        tifffile.imwrite(path, colours[..., 0])
        np.testing.assert_array_equal(read_array(path), colours[..., 0])

    @pytest.mark.parametrize(("name", "package"), [("a.png", "pillow"), ("a.tif", "tifffile")])
    def test_a_missing_package_is_named(self, tmp_path, monkeypatch, name, package):
        for module in ("PIL.Image", "tifffile"):
            monkeypatch.setitem(sys.modules, module, None)
        with pytest.raises(ModuleNotFoundError, match=f"pip install {package}"):
            read_array(write(tmp_path, "1", name))


class TestEnvi:
    @pytest.mark.parametrize(
        ("interleave", "order"), [("bsq", (2, 0, 1)), ("bil", (0, 2, 1)), ("bip", (0, 1, 2))]
    )
    @pytest.mark.parametrize("dtype", ["<f4", ">u2"])
    def test_every_order_gives_the_same_cube(self, tmp_path, interleave, order, dtype):
        codes = {"<f4": (4, 0), ">u2": (12, 1)}
        kind, endian = codes[dtype]
        (tmp_path / "scene.hdr").write_text(
            f"ENVI\nsamples = 5\nlines   = 3\nbands = 4\nheader offset = 16\ndata type = {kind}\n"
            f"interleave = {interleave.upper()}\nbyte order = {endian}\n"
            "wavelength = {400.5,\n 410, 420, 430}\n"
        )
        content = np.ascontiguousarray(CUBE.transpose(order)).astype(dtype).tobytes()
        (tmp_path / "scene.img").write_bytes(bytes(16) + content)
        np.testing.assert_array_equal(read_array(tmp_path / "scene.hdr"), CUBE)
        assert read_labels(tmp_path / "scene.hdr").columns == ("400.5", "410", "420", "430")
        (tmp_path / "scene.img").write_bytes(content)
        with pytest.raises(ValueError, match="where its header promises"):
            read_array(tmp_path / "scene.hdr")
        (tmp_path / "scene.img").unlink()
        with pytest.raises(FileNotFoundError, match=r"put scene\.img"):
            read_array(tmp_path / "scene.hdr")

    def test_an_incomplete_header_names_what_is_missing(self, tmp_path):
        (tmp_path / "scene.hdr").write_text("ENVI\nsamples = 5\nlines = 3\n")
        with pytest.raises(ValueError, match="'bands'"):
            read_array(tmp_path / "scene.hdr")


class TestRefusals:
    @pytest.mark.parametrize(
        ("name", "said"),
        [
            ("a.pkl", "can run code"),
            ("a.xlsx", "save the sheet as CSV"),
            ("a.h5", "np.save"),
            ("a.zip", "unpack"),
            ("a.xyz", r"is not known: use one of \.csv"),
            ("a", "is not known"),
        ],
    )
    def test_other_formats(self, tmp_path, name, said):
        path = write(tmp_path, "1", name)
        for read in (read_array, read_labels):
            with pytest.raises(ValueError, match=said):
                read(path)

    def test_a_missing_file_names_its_folder(self, tmp_path):
        with pytest.raises(FileNotFoundError, match=f"no file none.csv in {tmp_path}"):
            read_array(tmp_path / "none.csv")
        with pytest.raises(FileNotFoundError, match="is a folder"):
            read_array(tmp_path)

    @pytest.mark.parametrize("suffix", ["csv", "npy", "npz", "mat", "png", "tif", "hdr"])
    def test_an_empty_file_is_called_so(self, tmp_path, suffix):
        with pytest.raises(ValueError, match=f"nothing.{suffix} is empty"):
            read_array(write(tmp_path, "", f"nothing.{suffix}"))

    def test_a_file_without_an_array_is_called_so(self, tmp_path):
        scipy.io.savemat(tmp_path / "struct.mat", {"s": {"X": CUBE}})
        np.savez(tmp_path / "text.npz", note=np.array(["a"]))
        for name in ("struct.mat", "text.npz"):
            with pytest.raises(ValueError, match=f"{name} has no array of numbers"):
                read_array(tmp_path / name)

    @pytest.mark.parametrize("name", ["table.csv", "cube.npy", "image.png", "cube.hdr"])
    def test_a_key_is_for_files_with_names(self, tmp_path, name):
        with pytest.raises(ValueError, match="holds a single array: leave out key='X'"):
            read_array(write(tmp_path, "1,2\n", name), key="X")

    def test_too_large_files_are_refused_before_they_are_read(self, tmp_path, monkeypatch):
        monkeypatch.setattr(limits, "_LARGEST", 50)
        np.save(tmp_path / "a.npy", CUBE)
        np.savez_compressed(tmp_path / "a.npz", X=CUBE)
        scipy.io.savemat(tmp_path / "a.mat", {"X": CUBE})
        Image.fromarray(CUBE[..., 0].repeat(9, 0).astype(np.uint8)).save(tmp_path / "a.png")
        tifffile.imwrite(tmp_path / "a.tif", CUBE.astype(np.uint8), photometric="minisblack")
        write(tmp_path, as_text(","), "a.csv")
        (tmp_path / "a.hdr").write_text(
            "ENVI\nsamples=50\nlines=30\nbands=4\ndata type=4\ninterleave=bsq\n"
        )
        for suffix in ("npy", "npz", "mat", "png", "tif", "csv", "hdr"):
            with pytest.raises(ValueError, match=r"at most .* GB are read at once"):
                read_array(tmp_path / f"a.{suffix}")
