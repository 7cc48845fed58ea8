"""What stands in the county: parks, gas sites, villages, dwellings, built-up areas, facilities."""

from __future__ import annotations

import numpy as np
import pandas as pd
import shapely
from shapely import MultiPolygon

from gis.demonstration.outlets import Outlet, plan_outlets
from gis.demonstration.plan import RIVER_LEVEL_M, Floats, Town
from gis.demonstration.projects import works_key
from gis.demonstration.streets import Street
from gis.demonstration.units import Units
from gis.geometry import as_geometries

_PARK = ("望江", "银杏", "听泉", "茶韵", "竹影", "映山", "稻香", "晨光", "廊桥", "半亩")
_SHOP = ("老街", "阿鹏", "云上", "小河", "福顺", "山里", "石板", "清泉", "古道", "春城", "火塘")
_FOOD = ("米线馆", "火锅店", "小吃店", "烧烤店", "农家菜馆", "早点铺", "酸菜鱼馆")
_TYPES = ("restaurant", "restaurant", "restaurant", "restaurant", "market",
          "other_non_residential", "residential_area", "regulator", "cylinder_station")  # fmt: skip
_TYPE_NAMES = {
    "market": "农贸市场",
    "other_non_residential": "学校食堂",
    "residential_area": "小区",
    "regulator": "调压箱",
    "cylinder_station": "瓶装气供应站",
}


def make_parks(rng: np.random.Generator, towns: list[Town]) -> pd.DataFrame:
    """Pocket parks inside blocks; ``works`` says what is built together."""
    rows = []
    for town in towns:
        count = 14 if town.number == 0 else 3
        blocks = rng.permutation((town.columns - 1) * (town.rows - 1))[:count]
        for n, block in enumerate(blocks):
            i, j = divmod(int(block), town.rows - 1)
            corner = town.nodes[i : i + 2, j : j + 2].reshape(4, 2)
            middle, reach = corner.mean(axis=0), float(rng.uniform(0.12, 0.24)) * town.step
            turn = np.linspace(0, 2 * np.pi, int(rng.integers(5, 11)), endpoint=False)
            ring = middle + reach * rng.uniform(0.75, 1.15, (len(turn), 1)) * np.column_stack(
                [np.cos(turn + town.angle), np.sin(turn + town.angle)]
            )
            rows.append(
                {
                    "code": f"GY{town.place}{n + 1:03d}",
                    "name": f"{_PARK[(n + town.number) % 10]}{'口袋公园' if n % 3 else '游园'}",
                    "park_type": "pocket_park" if n % 3 else "garden",
                    "work": "new" if n % 4 else "rebuilt",
                    "green_rate_percent": float(np.round(rng.uniform(62, 88), 1)),
                    "entrances": int(rng.integers(1, 5)),
                    "township": town.township,
                    "works": works_key("park", town.number, n % 5),
                    "geometry": MultiPolygon([shapely.Polygon(np.round(ring, 2))]),
                }
            )
    return pd.DataFrame(rows)


def make_gas_sites(
    rng: np.random.Generator, streets: list[Street], towns: list[Town]
) -> pd.DataFrame:
    """Gas sites along the streets of the towns, eight metres off the middle."""
    own = [s for s in streets if s.code[2].isdigit()]
    count = 24 * len(towns)
    picked = rng.integers(0, len(own), count)
    share = rng.uniform(0.1, 0.9, count)
    lines = as_geometries(own[i].line for i in picked)
    xy = shapely.get_coordinates(shapely.line_interpolate_point(lines, share, normalized=True))
    xy = np.round(xy + rng.choice([-8.0, 8.0], (count, 2)), 2)
    kinds = rng.choice(_TYPES, count)
    state = rng.choice(["working", "working", "working", "faulty", "absent"], (3, count))
    supply = np.where(rng.random(count) < 0.55, "piped", "bottled")
    names = [
        rng.choice(_SHOP) + (rng.choice(_FOOD) if k == "restaurant" else _TYPE_NAMES[str(k)])
        for k in kinds
    ]
    return pd.DataFrame(
        {
            "code": [f"RQ{i + 1:05d}" for i in range(count)],
            "name": names,
            "site_type": kinds,
            "supply": supply,
            "supplier": np.where(supply == "piped", "云屏燃气有限公司", "滇西瓶装气服务部"),
            "risk_class": rng.choice(["high", "medium", "medium", "low"], count),
            "operating_state": rng.choice(["open"] * 12 + ["closed", "gas_cut"], count),
            "permit_number": [f"滇屏燃{2023 + i % 3}{i:04d}" for i in range(count)],
            "alarm": state[0],
            "shut_off_valve": state[1],
            "metal_hose": state[2],
            "in_basement": rng.random(count) < 0.06,
            "address": [f"{own[i].name}{int(rng.integers(1, 200))}号" for i in picked],
            "township": [own[i].township for i in picked],
            "geometry": shapely.points(xy),
        }
    )


def make_villages(rng: np.random.Generator, units: Units, towns: list[Town]) -> pd.DataFrame:
    """Traditional villages at their listing stages."""
    town_of = {town.township: town.number for town in towns if not town.combined}
    codes = {u.code for u in units.units}
    known = [i for i, c in enumerate(units.village_codes) if c in codes and i >= 9]
    picked = rng.permutation(known)[:12]
    stages = ["surveyed"] * 2 + ["applied"] * 2 + ["listed"] * 5 + ["plaque"] * 3
    return pd.DataFrame(
        {
            "code": [f"CL{n + 1:03d}" for n in range(len(picked))],
            "name": [units.village_names[i] for i in picked],
            "level": rng.choice(
                ["national", "provincial", "provincial", "prefecture"], len(picked)
            ),
            "stage": stages[: len(picked)],
            "batch": [f"第{int(rng.integers(1, 7))}批" for _ in picked],
            "households": rng.integers(40, 320, len(picked)),
            "people": rng.integers(150, 1300, len(picked)),
            "traditional_buildings": rng.integers(12, 90, len(picked)),
            "core_area_m2": np.round(rng.uniform(2e4, 9e4, len(picked)), 0),
            "township": [units.village_codes[i][:9] for i in picked],
            "works": [works_key("village", town_of[units.village_codes[i][:9]], i) for i in picked],
            "geometry": shapely.points(units.seats[picked]),
        }
    )


def make_people(rng: np.random.Generator, towns: list[Town], units: Units) -> pd.DataFrame:
    """People on dwellings: dense in the towns' blocks, in clusters at the villages."""
    places: list[Floats] = []
    townships: list[str] = []
    for town in towns:
        count = town.columns * town.rows * 8
        i = rng.uniform(0, town.columns - 1.001, count)
        j = rng.uniform(0, town.rows - 1.001, count)
        base = town.nodes[i.astype(int), j.astype(int)]
        along = town.nodes[i.astype(int) + 1, j.astype(int)] - base
        across = town.nodes[i.astype(int), j.astype(int) + 1] - base
        inset = 0.12 + 0.76 * rng.random((2, count, 1))
        places.append(base + inset[0] * along + inset[1] * across)
        townships += [town.township] * count
    for seat, code in zip(units.seats, units.village_codes, strict=True):
        places.append(seat + rng.normal(0, 130, (22, 2)))
        townships += [code[:9]] * 22
    xy = np.round(np.vstack(places), 2)
    return pd.DataFrame(
        {
            "code": [f"RK{i + 1:06d}" for i in range(len(xy))],
            "people": rng.integers(2, 46, len(xy)).astype(float),
            "year": 2025,
            "method": "register",
            "township": townships,
            "geometry": shapely.points(xy),
        }
    )


def make_built_up(towns: list[Town]) -> pd.DataFrame:
    """The built-up area of the seat at the end of three years: it grows along the streets."""
    town = towns[0]
    rows = []
    for n, year in enumerate((2023, 2024, 2025)):
        last = town.columns - 3 + n
        grid = town.nodes[: last + 1]
        ring = np.vstack([grid[:, 0], grid[-1, 1:], grid[-2::-1, -1], grid[0, -2:0:-1]])
        area = shapely.Polygon(ring).buffer(40, join_style="mitre")
        rows.append(
            {
                "code": f"JCQ{year}",
                "name": f"{year} 年建成区",
                "year": year,
                "township": town.township,
                "geometry": MultiPolygon([area]),
            }
        )
    return pd.DataFrame(rows)


def make_facilities(towns: list[Town]) -> pd.DataFrame:
    """The plants and outfalls at which the networks end, and two pumping stations."""
    rows = [_outlet_row(outlet) for outlet in plan_outlets(towns)]
    for n in (0, 1):
        x, y = towns[0].nodes[n, towns[0].rows // 2]
        rows.append(
            {
                "code": f"PS{towns[0].place}B{n}",
                "name": f"{n + 1}号污水泵站",
                "facility_type": "pumping_station",
                "capacity_m3_per_day": 5000.0,
                "receiving_water": None,
                "bottom_m": round(RIVER_LEVEL_M - 0.0011 * float(x), 2),
                "township": towns[0].township,
                "works": None,
                "geometry": shapely.Point(round(float(x), 2), round(float(y), 2)),
            }
        )
    return pd.DataFrame(rows)


def _outlet_row(outlet: Outlet) -> dict[str, object]:
    plant, town = outlet.type == "treatment_plant", outlet.town
    size = 20_000.0 if town.number == 0 else 2_000.0
    return {
        "code": outlet.code,
        "name": outlet.name,
        "facility_type": outlet.type,
        "capacity_m3_per_day": size if plant else None,
        "receiving_water": outlet.water,
        "bottom_m": outlet.bottom_m,
        "township": town.township,
        "works": works_key("plant", town.number, "C") if plant else None,
        "geometry": shapely.Point(outlet.xy),
    }
