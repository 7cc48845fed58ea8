"""Three rates side by side and the steps between them: land and people by line, people by road.

The official rate counts land in a straight line; what people meet is a walk. The waterfall says
how much of the difference is counting people instead of land, how much detours, islands and
missing entries, and its steps add up exactly.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import shapely

from gis.attributes import Text
from gis.coverage.admit import Bools, Floats, Frame, admit_frame
from gis.coverage.areas import find_served
from gis.coverage.entries import MAX_SNAP_M, snap_facilities, snap_places
from gis.coverage.network_service import NetworkService, limits_of, serve
from gis.coverage.rates import (
    Border,
    Rate,
    Verdict,
    land_rate,
    people_euclid_rate,
    people_rate,
    stand_points,
    stands_in,
)
from gis.coverage.refusals import refuse
from gis.coverage.roads import RoadNetwork
from gis.coverage.rulesets import RuleSet
from gis.coverage.travel import Direction


@dataclass(frozen=True, slots=True)
class Step:
    """A step of the waterfall: by how much (share, -1 to 1) and how many people it concerns."""

    key: str
    text: Text
    change: float
    people: float


_STEPS = {
    "weighting": Text(zh="按人口而非用地计", en="people counted instead of land"),
    "no_entry": Text(zh="住处离路网过远", en="homes too far from any road"),
    "unreachable": Text(zh="道路不连通(河流、封闭、断头)", en="no road leads there"),
    "detour": Text(zh="绕行超出距离", en="the detour is beyond the limit"),
    "gained": Text(zh="直线不计而路网可达", en="reached by road, not in a straight line"),
    "missing": Text(zh="数据缺失的口径差", en="what is not known differs"),
}


@dataclass(frozen=True, slots=True)
class Comparison:
    """The rates with the rule they follow and the way from the first to the last."""

    ruleset: RuleSet
    rates: Mapping[str, Rate]
    """``land_euclid`` (where land was given), ``people_euclid``, ``people_network``."""
    steps: tuple[Step, ...]
    service: NetworkService
    audit: Mapping[str, float]

    @property
    def official(self) -> Rate:
        """The rate the rule itself asks for; InputError where its land was not given."""
        base = self.ruleset.base
        if base.denominator == "residential_land":
            if "land_euclid" not in self.rates:
                raise refuse("no_land")
            return self.rates["land_euclid"]
        return self.rates["people_network" if base.distance == "network" else "people_euclid"]

    def verdict(self, target: str | None = None) -> Verdict:
        """Of the official rate against a target of the rule (by key, or its first)."""
        return self.official.verdict(self.ruleset.find_target(target))

    def facts(self) -> dict[str, Any]:
        """As a report stores it."""
        return {
            "ruleset": self.ruleset.version,
            "unverified": self.ruleset.is_unverified,
            "rates": {key: rate.facts() for key, rate in self.rates.items()},
            "steps": [
                {"key": s.key, "text": s.text.as_dict(), "change": s.change, "people": s.people}
                for s in self.steps
            ],
            "audit": dict(self.audit),
        }


def compare_rates(
    ruleset: RuleSet,
    places: Frame,
    facilities: Frame,
    network: RoadNetwork,
    border: Border,
    *,
    land: Frame = None,
    entrances: Frame = None,
    max_snap_m: float = MAX_SNAP_M,
    direction: Direction = "towards",
) -> Comparison:
    """All rates of one rule set; ``facilities`` as :func:`gis.coverage.areas.qualify` gives them.

    Facilities and roads should reach beyond the base by the largest radius (:class:`Border`).
    """
    euclid = people_euclid_rate(places, facilities, border)
    service, inner = _serve_both(network, places, facilities, border, entrances, max_snap_m,
                                 direction)  # fmt: skip
    farthest_m = float(np.max(np.asarray(facilities["radius_m"], dtype=np.float64)))
    roads = people_rate(places, service.served, inner, border, farthest_m, key="people_network")
    rates = {"people_euclid": euclid, "people_network": roads}
    if land is not None:
        rates = {"land_euclid": land_rate(land, facilities, border)} | rates
    steps = _explain(rates, places, facilities, border, service)
    return Comparison(ruleset, rates, steps, service, _audit(network, service))


def _serve_both(
    network: RoadNetwork,
    places: Frame,
    facilities: Frame,
    border: Border,
    entrances: Frame,
    max_snap_m: float,
    direction: Direction,
) -> tuple[NetworkService, Bools]:
    """Service by all facilities, and whether those inside the base alone serve a place."""
    admit_frame(facilities, "设施 facilities", like=places, columns=["radius_m"])
    at_places = snap_places(places, network, max_snap_m=max_snap_m)
    entries = snap_facilities(facilities, network, entrances=entrances, max_snap_m=max_snap_m)
    limits = limits_of(facilities)
    whole = serve(network, at_places, entries, limits, direction=direction)
    is_inner = shapely.intersects(facilities.geometry.to_numpy(), border.base)
    if is_inner.all():
        return whole, whole.served
    inner = serve(network, at_places, entries.take(is_inner), limits, direction=direction)
    return whole, inner.served


def _explain(
    rates: Mapping[str, Rate],
    places: Frame,
    facilities: Frame,
    border: Border,
    service: NetworkService,
) -> tuple[Step, ...]:
    euclid, roads = rates["people_euclid"], rates["people_network"]
    points = stand_points(places.geometry.to_numpy())
    within = stands_in(points, border.base)
    people = np.where(within, np.nan_to_num(np.asarray(places["people"], dtype=np.float64)), 0.0)
    radii: Floats = np.asarray(facilities["radius_m"], dtype=np.float64)
    straight = find_served(points, facilities.geometry.to_numpy(), radii)
    lost = straight & ~service.served
    amounts = {
        "no_entry": -people[lost & (service.reason == "no_entry")].sum(),
        "unreachable": -people[lost & (service.reason == "unreachable")].sum(),
        "detour": -people[lost & (service.reason == "reached")].sum(),
        "gained": people[~straight & service.served].sum(),
    }
    whole = euclid.denominator or float("nan")
    steps = [Step(k, _STEPS[k], float(v / whole), abs(float(v))) for k, v in amounts.items()]
    rest = roads.share - roads.numerator / whole
    steps.append(Step("missing", _STEPS["missing"], rest, abs(roads.missing - euclid.missing)))
    if "land_euclid" in rates:
        change = euclid.share - rates["land_euclid"].share
        steps.insert(0, Step("weighting", _STEPS["weighting"], change, euclid.denominator))
    return tuple(steps)


def _audit(network: RoadNetwork, service: NetworkService) -> dict[str, float]:
    """Reachability in figures: what the network lacks, and how far places are from it."""
    snap_m = service.snap_m[~np.isnan(service.snap_m)]
    return network.audit | {
        "places_without_entry": int((service.reason == "no_entry").sum()),
        "places_unreachable": int((service.reason == "unreachable").sum()),
        "facilities_without_entry": int(np.isnan(service.facility_snap_m).sum()),
        "facilities_with_assumed_entrances": int(service.assumed_entrances.sum()),
        "snap_median_m": float(np.median(snap_m)),
        "snap_most_m": float(snap_m.max()),
    }
