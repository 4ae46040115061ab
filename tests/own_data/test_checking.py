"""Each warning appears where it should, names the right place, and nowhere else."""

import numpy as np
import pytest

from multiconvex import inspect_array


def clean(shape=(40, 12)):
    """Nonnegative data with nothing to warn about."""
    return np.random.default_rng(0).random(shape) + 0.1


def finding(X, kind):
    (found,) = [f for f in inspect_array(X).findings if f.kind == kind]
    return found


@pytest.mark.parametrize("shape", [(40, 12), (10, 11, 12), (1000, 200)])
@pytest.mark.parametrize("draw", ["uniform", "exponential", "lognormal", "cauchy"])
def test_ordinary_data_are_left_in_peace(shape, draw):
    rng = np.random.default_rng(1)
    X = {
        "uniform": rng.random,
        "exponential": lambda size: rng.exponential(size=size),
        "lognormal": lambda size: rng.lognormal(size=size),
        "cauchy": lambda size: np.abs(rng.standard_cauchy(size)),
    }[draw](shape)
    assert set(inspect_array(X).kinds) <= ({"outliers"} if draw == "cauchy" else set())
    assert not inspect_array(X).has_problems


def test_the_summary_ignores_gaps():
    X = np.array([[1.0, np.nan], [0.0, 3.0]])
    report = inspect_array(X)
    assert (report.minimum, report.median, report.maximum) == (0.0, 1.0, 3.0)
    assert report.shape == (2, 2)
    assert report.zeros == pytest.approx(1 / 3)


def test_gaps_and_infinities_are_problems():
    X = clean()
    X[3, 5] = X[3, 6] = X[8, 0] = np.nan
    X[1, 1] = np.inf
    report = inspect_array(X)
    assert report.has_problems
    assert report.kinds[:2] == ("infinite", "missing")
    assert finding(X, "missing").sentence == ("3 entries are missing (0.625%), in rows 3 and 8.")
    assert finding(X, "infinite").sentence == "1 entry is infinite."
    X[:, 7] = np.nan
    assert finding(X, "missing").sentence.endswith("in columns 0, 5, 6 and 7.")


def test_negative_entries_are_told_from_noise():
    X = clean()
    X[0, 0] = -0.01
    assert "noise" in finding(X, "negative").advice
    X[0, 0] = -5.0
    found = finding(X, "negative")
    assert "Do not shift" in found.advice
    assert found.sentence.startswith("1 entry is negative, the lowest -5;")
    X[1:, 0] += 1000.0
    assert "noise" in finding(X, "negative").advice


def test_constant_columns_are_named_whatever_their_value():
    X = clean()
    X[:, [2, 3]], X[:, 7] = 0.0, 4.5
    X[5, 7] = np.nan
    assert finding(X, "constant").sentence.startswith("Columns 2, 3 and 7 have the same value")
    assert "duplicate" not in inspect_array(X).kinds


def test_repeated_columns_are_named_once():
    X = clean()
    X[:, 9] = X[:, 4]
    X[:, 11] = X[:, 4]
    assert finding(X, "duplicate").sentence.startswith("Columns 9 and 11 repeat an earlier column")
    X[0, 9] += 1e-9
    assert finding(X, "duplicate").sentence.startswith("Column 11 repeats")


def test_rows_of_zeros_are_named():
    X = clean()
    X[[4, 6, 7, 8, 9, 20]] = X[3, :5] = 0.0
    assert finding(X, "empty").sentence.startswith("6 rows (4, 6, 7, 8, 9, …) hold nothing")


def test_scales_are_compared_after_rounding_out_rows():
    X = clean()
    X[:, 3] *= 1e5
    sentence = finding(X, "scales").sentence
    assert sentence.startswith("Column 3 is typically")
    X[:, 3] /= 1e4
    assert "scales" not in inspect_array(X).kinds
    assert inspect_array(1e9 * X).kinds == inspect_array(X).kinds


def test_whole_numbers_suggest_counts():
    rng = np.random.default_rng(0)
    X = rng.poisson(20.0, (40, 12)).astype(float)
    assert "kullback-leibler" in finding(X, "counts").advice
    assert inspect_array(X).kinds == ("counts",)
    for other in (X + 0.5, X - 100, (X > 20).astype(float)):
        assert "counts" not in inspect_array(other).kinds


def test_outliers_are_located_and_heavy_tails_are_not_outliers():
    X = clean((200, 50))
    X[17, 3], X[2, 40] = 100.0, -60.0
    sentence = finding(X, "outliers").sentence
    assert sentence.startswith("2 entries lie far from all others: 100 in row 17, column 3, -60 in")
    X[:10] = 100.0
    assert "outliers" not in inspect_array(X).kinds


def test_the_fence_of_outliers_is_the_documented_one():
    X = clean((100, 20))
    X[0, 0] = 0.0
    lower, upper = np.quantile(np.delete(X, 0), [0.25, 0.75])
    fence = upper + 10 * (upper - lower)
    # the outlier itself moves the quartiles a little
    X[0, 0] = 1.01 * fence
    assert "outliers" in inspect_array(X).kinds
    X[0, 0] = 0.99 * fence
    assert "outliers" not in inspect_array(X).kinds


def test_few_rows_bound_the_number_of_components():
    found = finding(clean((4, 30)), "few")
    assert found.sentence.startswith("There are only 4 rows.")
    assert "at most 3" in found.advice  # 3 (4 + 30) < 120 <= 4 (4 + 30)
    assert finding(clean((30, 4)), "few").sentence.startswith("There are only 4 columns.")
    assert "slices along axis 1" in finding(clean((30, 4, 20)), "few").sentence


def test_headings_and_indices_that_were_read_as_data():
    X = clean()
    X[0] = 400.0 + 10.0 * np.arange(12)
    found = finding(X, "positions")
    assert found.sentence == "The first row rises in equal steps, from 400 to 510."
    assert "X[1:]" in found.advice
    X = clean()
    X[:, 0] = np.arange(40)
    assert "X[:, 1:]" in finding(X, "positions").advice
    ramps = np.add.outer(np.arange(20.0), np.arange(30.0))
    assert "positions" not in inspect_array(ramps).kinds


def test_columns_of_a_cube_are_its_bands():
    cube = clean((12, 15, 10))
    cube[..., 3] = 7.0
    assert finding(cube, "constant").sentence.startswith("Column 3 has")


def test_every_form_of_the_report_says_everything_and_no_markup():
    X = clean()
    X[0, 0], X[:, 2] = np.nan, 1.0
    report = inspect_array(X)
    for form in (repr(report), report._repr_markdown_(), report._repr_html_()):
        for found in report.findings:
            assert found.sentence in form
            assert found.advice.replace("'", "&#x27;") in form or found.advice in form
    assert "Nothing unusual" in repr(inspect_array(clean()))
    assert "Nothing unusual" in inspect_array(clean())._repr_html_()


def test_the_input_is_left_as_it_is():
    X = clean()
    X[0, 0] = np.nan
    X.setflags(write=False)
    before = X.copy()
    inspect_array(X)
    np.testing.assert_array_equal(X, before)
    assert inspect_array(X.astype(np.float32)).kinds == inspect_array(X).kinds


def test_what_is_no_table_is_refused():
    with pytest.raises(ValueError, match="two or more axes"):
        inspect_array(np.ones(4))
    with pytest.raises(ValueError, match="no finite entry"):
        inspect_array(np.full((3, 3), np.nan))
    with pytest.raises(TypeError, match="dense array of real numbers"):
        inspect_array([["a", "b"]])


def test_one_row_is_one_row():
    said = str(inspect_array(np.array([[1.0, 2.5, 3.0]])))
    assert "There is only one row." in said
    assert "the same value in every row" not in said
    assert "There are only 3 columns." in str(inspect_array(clean()[:, :3]))


def test_numbers_that_stand_for_missing_are_named():
    X = clean()
    X[2, 3] = X[7, 1] = -999.0
    found = finding(X, "marks")
    assert found.sentence.startswith("2 entries are -999")
    assert "X[X == -999] = np.nan" in found.advice
    assert "marks" not in inspect_array(1000.0 * clean() - 999.0).kinds
