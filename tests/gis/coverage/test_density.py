"""Density by hand, and hot spots that pure noise does not have."""

from __future__ import annotations

import numpy as np
import pytest
import shapely

from gis.coverage.admit import Frame
from gis.coverage.density import find_hot_spots, line_density, make_cells
from gis.errors import InputError
from tests.gis.coverage.towns import CRS, frame, grid_lots, grid_streets, whole


def test_four_kilometres_of_street_are_25_km_per_km2() -> None:
    town = frame([whole()], id=["town"])
    found = line_density(grid_streets(), town)
    assert found["length_km"].tolist() == pytest.approx([4.0])
    assert found["density_km_per_km2"].tolist() == pytest.approx([25.0])


def test_a_street_on_a_border_is_half_each_sides_and_areas_add_up() -> None:
    found = line_density(grid_streets(), grid_lots()).set_index("area")
    assert found["length_km"].sum() == pytest.approx(4.0)
    assert found["length_km"]["lot0"] == pytest.approx(0.3)  # two streets whole, two halved
    assert found["length_km"]["lot5"] == pytest.approx(0.2)  # four halved


def test_classes_are_summed_apart_and_empty_areas_are_zero() -> None:
    streets = grid_streets()
    streets["road_class"] = np.where(streets.geometry.bounds.maxy == 0, "main", "branch")
    areas = frame([shapely.box(0, -50, 400, 50), shapely.box(0, 900, 400, 950)], id=["s", "far"])
    found = line_density(streets, areas, by="road_class").set_index(["area", "road_class"])
    assert found["length_km"]["s", "main"] == pytest.approx(0.4)
    assert found["length_km"]["s", "branch"] == pytest.approx(0.25)
    assert found["length_km"]["far", "main"] == 0


def test_cells_are_cut_to_the_area_and_too_many_are_refused() -> None:
    cells = make_cells(shapely.box(50, 0, 250, 100), CRS, 100)
    assert cells["id"].tolist() == ["0_0", "1_0", "2_0"]
    assert cells.area.tolist() == pytest.approx([5000, 10_000, 5000])
    with pytest.raises(InputError, match="larger cells"):
        make_cells(shapely.box(0, 0, 1e6, 1e6), CRS, 10)


def noise(side: int, seed: int) -> tuple[Frame, np.ndarray]:
    cells = make_cells(shapely.box(0, 0, side * 100, side * 100), CRS, 100)
    return cells, np.random.default_rng(seed).normal(size=len(cells))


def test_pure_noise_has_no_hot_spots_once_corrected() -> None:
    """G_Local at p < 0.05 called 324 of 4,900 cells of noise hot."""
    cells, values = noise(70, 3)
    found = find_hot_spots(cells, values, band_m=150)
    assert (found.p < 0.05).sum() > 150
    assert found.hot.sum() + found.cold.sum() <= 10


def test_a_planted_cluster_is_found_and_missing_values_are_not_zero() -> None:
    cells, values = noise(30, 4)
    middle = shapely.get_coordinates(shapely.centroid(cells.geometry.to_numpy()))
    cluster = np.hypot(middle[:, 0] - 1000, middle[:, 1] - 1000) < 300
    values[cluster] += 3
    gone = np.hypot(middle[:, 0] - 2500, middle[:, 1] - 2500) < 300
    values[gone] = np.nan
    found = find_hot_spots(cells, values, band_m=150)
    assert found.hot[cluster].mean() > 0.9
    assert found.hot[~cluster].mean() < 0.05
    assert not found.cold[gone].any()
    assert np.isnan(found.z[gone]).all()


def test_gi_star_of_a_row_of_three_is_that_solved_by_hand() -> None:
    # Values 0, 0, 3; neighbours are the next cell and the cell itself; mean 1, s = sqrt(2).
    cells = make_cells(shapely.box(0, 0, 300, 100), CRS, 100)
    found = find_hot_spots(cells, np.array([0.0, 0.0, 3.0]), band_m=110)
    # Ends: W = 2, sum w² = 2: (3 - 2) / (sqrt(2) sqrt((3 * 2 - 4) / 2)) = 1 / sqrt(2).
    assert found.z.tolist() == pytest.approx([-2 / np.sqrt(2), 0, 1 / np.sqrt(2)])


def test_equal_values_are_neither_hot_nor_cold() -> None:
    cells, values = noise(10, 1)
    some = np.random.default_rng(3).uniform(1e3, 1e5, 30)  # whose mean is not what each one is
    for value in (7.0, *some):
        found = find_hot_spots(cells, np.full(len(values), value), band_m=150)
        assert not found.hot.any()
        assert not found.cold.any()


def test_what_is_hot_is_so_in_any_unit() -> None:
    cells, values = noise(10, 1)
    values[:20] += 50 * values.std()
    whole = find_hot_spots(cells, values, band_m=150)
    tiny = find_hot_spots(cells, values * 1e-13, band_m=150)
    assert whole.hot.any()
    assert (tiny.hot == whole.hot).all()
