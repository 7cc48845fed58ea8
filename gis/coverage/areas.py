"""Straight-line service areas: from a facility's boundary, each with the radius of its class.

All frames are in one projected CRS in metres. Rates are computed on pairs found by an STRtree;
the dissolved area is made only to be drawn or subtracted. A point inside a facility is served.
"""

from __future__ import annotations

import geopandas as gpd
import numpy as np
import numpy.typing as npt
import shapely
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from gis.coverage.admit import (
    Bools,
    Floats,
    Frame,
    Ints,
    add_up,
    admit_frame,
    admit_ids,
    admit_radius,
)
from gis.coverage.rulesets import RuleSet
from gis.geometry import Geometries

QUARTER_SEGMENTS = 32
"""Chords per quarter circle: a disc of 128 sides has 0.04 % less area than the circle."""


def qualify(facilities: Frame, ruleset: RuleSet) -> Frame:
    """The facilities a rule set counts: ``id``, ``facility_class``, ``radius_m``, ``minutes``.

    Polygons: parts of one facility farther apart than the rule's gap are judged as facilities of
    their own (``id`` stays, so several rows may share it); ``area_m2`` is the area of the group.
    Points have no area: they qualify where a class begins at 0. ``setting`` is read if there.
    """
    admit_frame(facilities, "设施 facilities")
    ids = admit_ids(facilities, "设施 facilities")
    grouped, owner = group_parts(facilities.geometry.to_numpy(), ruleset.parts.gap_m)
    setting = facilities["setting"].to_numpy()[owner] if "setting" in facilities else None
    areas = shapely.area(grouped)
    classes = ruleset.classify(areas, setting)
    kept = classes >= 0
    keys = np.array([c.key for c in ruleset.facility_class], dtype=object)
    return gpd.GeoDataFrame(
        {
            "id": ids[owner][kept],
            "facility_class": keys[classes[kept]],
            "radius_m": ruleset.radii(classes[kept]),
            "minutes": ruleset.minutes(classes[kept]),
            "area_m2": areas[kept],
        },
        geometry=grouped[kept],
        crs=facilities.crs,
    )


def group_parts(shapes: Geometries, gap_m: float) -> tuple[Geometries, npt.NDArray[np.intp]]:
    """Parts of each geometry joined where nearer than ``gap_m``; with the position of the owner.

    With a gap of 0 only parts that touch are one.
    """
    parts, owner = shapely.get_parts(shapes, return_index=True)
    if len(parts) == len(shapes):
        return shapes, owner
    first, second = shapely.STRtree(parts).query(parts, predicate="dwithin", distance=gap_m)
    same = owner[first] == owner[second]
    links = coo_array((np.ones(same.sum()), (first[same], second[same])), shape=(len(parts),) * 2)
    count, group = connected_components(links.tocsr(), directed=False)
    order = np.argsort(group, kind="stable")
    starts = np.searchsorted(group[order], np.arange(count))
    joined = np.array([shapely.union_all(p) for p in np.split(parts[order], starts[1:])])
    return joined, owner[order][starts]


def service_areas(facilities: Frame, radius_m: npt.ArrayLike, *, dissolve: bool = False) -> Frame:
    """The discs around each boundary as a frame (``id``, ``radius_m``, geometry).

    With ``dissolve`` one polygon per connected area, without ids. A radius of 0 is refused.
    """
    admit_frame(facilities, "设施 facilities")
    radii = admit_radius(radius_m, len(facilities))
    discs = shapely.buffer(facilities.geometry.to_numpy(), radii, quad_segs=QUARTER_SEGMENTS)
    if dissolve:
        whole = shapely.get_parts(shapely.disjoint_subset_union_all(discs))
        return gpd.GeoDataFrame(geometry=whole, crs=facilities.crs)
    return gpd.GeoDataFrame(
        {"id": np.asarray(facilities.get("id", facilities.index)), "radius_m": radii},
        geometry=discs,
        crs=facilities.crs,
    )


def find_served(shapes: Geometries, facilities: Geometries, radii: Floats) -> Bools:
    """Which geometries lie (with any part) within the radius of some facility; exact, no chords."""
    served = np.zeros(len(shapes), dtype=bool)
    if len(shapes) and len(facilities):
        tree = shapely.STRtree(shapes)
        served[tree.query(facilities, predicate="dwithin", distance=radii)[1]] = True
    return served


def nearest(shapes: Geometries, facilities: Geometries) -> tuple[Ints, Floats]:
    """Position of the nearest facility and its distance in metres; -1 and inf without any.

    Of facilities equally near the first of the frame is named.
    """
    found = np.full(len(shapes), -1, dtype=np.int64)
    distance_m = np.full(len(shapes), np.inf)
    if len(shapes) and len(facilities):
        tree = shapely.STRtree(facilities)
        (who, which), apart = tree.query_nearest(shapes, return_distance=True)
        order = np.lexsort((-which, who))
        found[who[order]] = which[order]
        distance_m[who] = apart
    return found, distance_m


def covered_areas(polygons: Geometries, facilities: Geometries, radii: Floats) -> Floats:
    """Square metres of each polygon within the radius of some facility; overlaps count once.

    Polygons wholly in one disc are settled by prepared discs; only the rest is intersected, and
    only with the discs that reach it, so no union of all discs is made.
    """
    areas: Floats = shapely.area(polygons)
    if not len(facilities) or not len(polygons):
        return np.zeros(len(polygons))
    discs = shapely.buffer(facilities, radii, quad_segs=QUARTER_SEGMENTS)
    shapely.prepare(discs)
    whole = np.zeros(len(polygons), dtype=bool)
    whole[shapely.STRtree(polygons).query(discs, predicate="covers")[1]] = True
    rest = np.flatnonzero(~whole)
    covered = np.where(whole, areas, 0.0)
    disc, hit = shapely.STRtree(polygons[rest]).query(discs, predicate="intersects")
    order = np.lexsort((disc, hit))
    disc, hit = disc[order], hit[order]
    pieces = shapely.intersection(polygons[rest][hit], discs[disc])
    covered[rest] = _union_areas(pieces, hit, len(rest))
    return np.minimum(covered, areas)


def _union_areas(pieces: Geometries, owner: npt.NDArray[np.intp], count: int) -> Floats:
    """Area of the union of each owner's pieces (``owner`` rises)."""
    number = np.bincount(owner, minlength=count)
    areas = add_up(owner, shapely.area(pieces), count)
    starts = np.concatenate([[0], np.cumsum(number)])
    for several in np.flatnonzero(number > 1):
        own = pieces[starts[several] : starts[several + 1]]
        areas[several] = shapely.area(shapely.union_all(own))
    return areas
