"""The figures of the demonstration county, from the generator's own records and plane.

They are worked out without the database, so that what the database answers can be held against
them.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import pandas as pd
import shapely

from gis.demonstration.campaign_sites import count_campaign_sites
from gis.demonstration.misconnections import list_misconnections
from gis.demonstration.outlets import measure_network
from gis.demonstration.plan import AS_OF, Floats
from gis.geometry import Geometries, as_geometries

Figures = dict[str, Any]  # Any: JSON
SAME_STATE = frozenset({"controlled", "plan_filed", "passed"})
"""Events that leave a hazard in the state it is in."""
CLOSED = frozenset({"closed", "dismissed", "duplicate", "transferred"})


def write_down(
    versions: Mapping[str, pd.DataFrame],
    last: Mapping[str, pd.DataFrame],
    *,
    events: Sequence[Mapping[str, Any]],  # Any: values of an event
    links: pd.DataFrame,
    faults: Mapping[str, list[str]],
) -> Figures:
    """Every figure the generator knows; ``last`` holds the versions that are current."""
    hazards = count_hazards(events)
    found = sum(hazards["hazards_by_state"].values())
    return {
        "as_of": AS_OF.isoformat(),
        "counts": {kind: len(frame) for kind, frame in last.items()} | {"hazard": found},
        "versions": {kind: len(frame) for kind, frame in versions.items()}
        | {"hazard": len(events)},
        **measure_sewers(versions["sewer_pipe"], last["sewer_pipe"]),
        "network": measure_network(
            last["sewer_manhole"], last["sewer_pipe"], last["sewage_facility"]
        ),
        "misconnections": list_misconnections(last["sewer_manhole"], last["sewer_pipe"]),
        "road_m_by_class": _sum_by(last["road"], "road_class", shapely.length),
        "park_m2": round(float(shapely.area(last["pocket_park"]["geometry"].to_numpy()).sum()), 3),
        "people": float(last["population"]["people"].sum()),
        "villages_by_stage": last["traditional_village"]["stage"].value_counts().to_dict(),
        **sum_projects(last["project"], links),
        **hazards,
        **count_campaign_sites(last),
        "faults": dict(faults),
    }


def _sum_by(
    frame: pd.DataFrame, name: str, measure: Callable[[Geometries], Floats]
) -> dict[str, float]:
    """Sums of a measure of the geometries (metres) by the values of a column."""
    values = pd.Series(measure(as_geometries(frame["geometry"])), index=frame.index)
    return {str(k): round(float(v), 3) for k, v in values.groupby(frame[name]).sum().items()}


def measure_sewers(versions: pd.DataFrame, last: pd.DataFrame) -> Figures:
    """Metres of pipe by system, by progress, and completed by year."""
    finished = versions[versions["progress"] == "completed"]
    year = pd.to_datetime(finished["valid_from"]).dt.year
    return {
        "pipe_m_by_system": _sum_by(last, "system", shapely.length),
        "pipe_m_by_progress": _sum_by(last, "progress", shapely.length),
        "pipe_m_completed_by_year": _sum_by(finished.assign(year=year), "year", shapely.length),
    }


def sum_projects(projects: pd.DataFrame, links: pd.DataFrame) -> Figures:
    """Investment on its bases, money by stage, source and step, works by kind of work."""
    money: dict[str, dict[str, dict[str, float]]] = {}
    for stage, sources in zip(projects["stage"], projects["money"], strict=True):
        for source, steps in sources.items():
            sums = money.setdefault(stage, {}).setdefault(source, dict.fromkeys(steps, 0.0))
            for step, yuan in steps.items():
                sums[step] += yuan
    works = links.groupby(["work", "progress"]).size()
    return {
        "projects_total_yuan": float(projects["total_investment_yuan"].sum()),
        "projects_completed_yuan": {
            basis: float(projects[f"completed_{basis}_yuan"].sum())
            for basis in ("by_progress", "by_payment", "in_statistics")
        },
        "projects_by_stage": projects["stage"].value_counts().to_dict(),
        "money_yuan_by_stage_source_step": money,
        "project_assets": len(links),
        "project_assets_by_work": {
            work: works[work].to_dict() for work in works.index.get_level_values(0).unique()
        },
    }


def count_hazards(events: Sequence[Mapping[str, Any]]) -> Figures:  # Any: values of an event
    """Hazards by their last state, and the open ones past their deadline."""
    state: dict[str, str] = {}
    due: dict[str, pd.Timestamp] = {}
    for event in events:
        if event["type"] in SAME_STATE:
            continue
        state[event["hazard_id"]] = event["type"]
        if event["type"] == "extended":
            state[event["hazard_id"]] = "rectifying"
        if event["type"] == "deferred":  # until its review, and no longer
            review = event["payload"]["review_on"]
            due[event["hazard_id"]] = pd.Timestamp(f"{review}T23:59:59+08:00")
        if "due_at" in event["payload"]:
            due[event["hazard_id"]] = pd.Timestamp(event["payload"]["due_at"])
    late = [h for h, when in due.items() if state[h] not in CLOSED and when < AS_OF]
    return {
        "hazards_by_state": pd.Series(state).value_counts().to_dict(),
        "hazards_overdue": len(late),
    }
