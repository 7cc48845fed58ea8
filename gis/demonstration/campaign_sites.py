"""Where campaigns go beside the gas sites: flood points by the river, plots of illegal land use.

Both draw from their own stream of the county's seed, so the rest of the county is the same
with or without them.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, timedelta
from typing import Any

import numpy as np
import pandas as pd
import shapely
from shapely import MultiPolygon

from gis.demonstration.plan import AS_OF, COUNTY_CODE, SURVEYED, Town, make_identities, river_y

_FLOOD_STREAM, _PLOT_STREAM = 71, 72
_PLACES = ("underpass", "road", "residential_area", "underground", "riverside")
_PLACE_NAMES = ("下穿通道", "路口", "小区", "地下车库", "河边低地")
_CAUSES = ("low_ground", "small_pipe", "blocked", "backwater", "no_drain", "pump")
_TREATMENTS = ("untreated", "under_treatment", "under_treatment", "eliminated")
_STAGES = ("issued", "filed", "submitted", "approved", "closed", "closed")
_ROUTES = ("permit", "demolish", "confiscate")
_BUILT = ("厂房", "农家乐", "停车场", "堆料场", "养殖棚", "住房扩建")
_DAY = AS_OF.date()


def make_flood_points(seed: int, towns: list[Town]) -> pd.DataFrame:
    """Two flood points in a town, eight in the seat, at corners of its third nearest the river."""
    rng = np.random.default_rng([seed, _FLOOD_STREAM])
    rows: list[dict[str, Any]] = []  # Any: values of any attribute
    for town in towns:
        corners = town.nodes.reshape(-1, 2)
        low = corners[np.argsort(np.abs(corners[:, 1] - river_y(corners[:, 0])))]
        count = 8 if town.number == 0 else 2
        picked = rng.permutation(max(count, len(low) // 3))[:count]
        for n, corner in enumerate(low[picked]):
            rows.append(_flood_point(rng, town, n, corner + rng.uniform(-6, 6, 2)))
    frame = pd.DataFrame(rows)
    return frame.assign(id=make_identities(rng, len(frame)), valid_from=SURVEYED)


def _flood_point(
    rng: np.random.Generator,
    town: Town,
    n: int,
    corner: np.ndarray[Any, Any],  # Any: shape
) -> dict[str, Any]:  # Any: values of any attribute
    place, treatment = int(rng.integers(0, len(_PLACES))), str(rng.choice(_TREATMENTS))
    seen = _DAY - timedelta(days=int(rng.integers(60, 1200)))
    return {
        "code": f"YL{town.place}{n + 1:02d}",
        "name": f"{town.name[:-1]}{_PLACE_NAMES[place]}{n + 1}",
        "treatment": treatment,
        "place": _PLACES[place],
        "cause": str(rng.choice(_CAUSES)),
        "risk": str(rng.choice(["high", "medium", "medium", "low"])),
        "plan": "雨前清掏雨水口;蓝色预警派人值守;积水 0.3 米封路",
        "deepest_water_m": float(np.round(rng.uniform(0.2, 1.4), 2)),
        "deepest_water_on": seen.isoformat(),
        "trigger_rain_mm": float(rng.integers(16, 60)),
        "warning_sign": str(rng.choice(["working", "working", "faulty", "absent"])),
        "water_gauge": str(rng.choice(["working", "absent"])),
        "pump": str(rng.choice(["working", "absent", "absent"])),
        "eliminated_on": (seen + timedelta(days=45)).isoformat()
        if treatment == "eliminated"
        else None,
        "section": "市政股",
        "responsible": str(rng.choice(["段工", "和工", "字工"])),
        "township": town.township,
        "geometry": shapely.Point(np.round(corner, 2)),
    }


def make_land_plots(seed: int, towns: list[Town]) -> pd.DataFrame:
    """Three plots outside every town, at every stage of being put right."""
    rng = np.random.default_rng([seed, _PLOT_STREAM])
    rows = [_land_plot(rng, town, n) for town in towns for n in range(3)]
    frame = pd.DataFrame(rows)
    return frame.assign(id=make_identities(rng, len(frame)), valid_from=SURVEYED)


def _land_plot(rng: np.random.Generator, town: Town, n: int) -> dict[str, Any]:  # Any: values
    number = town.number * 3 + n
    year, stage = 2023 + number % 3, _STAGES[number % len(_STAGES)]
    # Beyond the last street corner, turned as the town is; sides in metres.
    corner = town.nodes[-1, -1] + np.array([60.0 + 90 * n, 80.0])
    sides = np.round(rng.uniform(12, 60, 2), 1)
    ring = corner + np.array([[0, 0], [1, 0], [1, 1], [0, 1]]) * sides
    area = float(np.round(sides[0] * sides[1], 2))
    cultivated = float(np.round(area * rng.choice([0.0, 0.4, 0.8]), 2))
    reached = _STAGES.index(stage)
    start = date(year + 1, 3, 1) + timedelta(days=int(rng.integers(0, 60)))
    steps = ("filed_on", "submitted_on", "approved_on", "closed_on")
    return {
        "code": f"TB{year}{COUNTY_CODE}{number + 1:04d}",
        "name": f"{town.name[:-1]}{_BUILT[number % len(_BUILT)]}",
        "plot_number": f"{COUNTY_CODE}{number + 1:04d}",
        "plot_year": year,
        "plot_source": ("satellite", "satellite", "patrol", "report")[number % 4],
        "stage": stage,
        "route": _ROUTES[number % 3] if reached else None,
        "plot_area_m2": area,
        "cultivated_m2": cultivated,
        "basic_farmland_m2": float(np.round(cultivated * (number % 2) * 0.5, 2)),
        "purpose": _BUILT[number % len(_BUILT)],
        "rectifying_party": "云屏县住房和城乡建设局" if n else f"{town.name}人民政府",
        "enforcer": "云屏县自然资源局",
        "decision_number": f"屏自然资罚〔{year + 1}〕{number + 1}号",
        "due_on": (_DAY + timedelta(days=int(rng.integers(-40, 40)))).isoformat(),
        **{
            step: (start + timedelta(days=40 * k)).isoformat() if reached > k else None
            for k, step in enumerate(steps)
        },
        "section": "村镇股",
        "responsible": str(rng.choice(["李工", "罗工"])),
        "township": town.township,
        "geometry": MultiPolygon([shapely.Polygon(np.round(ring, 2))]),
    }


def count_campaign_sites(last: Mapping[str, pd.DataFrame]) -> dict[str, Any]:  # Any: JSON
    """The oracle's figures of both kinds, from the generator's own rows and plane."""
    points, plots = last["flood_point"], last["land_plot"]
    return {
        "flood_points_by_treatment": points["treatment"].value_counts().to_dict(),
        "land_plots_by_stage": plots["stage"].value_counts().to_dict(),
        "land_plot_m2": round(float(shapely.area(plots["geometry"].to_numpy()).sum()), 3),
        "cultivated_m2": round(float(plots["cultivated_m2"].sum()), 2),
    }
