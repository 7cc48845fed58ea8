"""Campaigns, visits and the hazards found on them: put together, written as records, counted."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any
from uuid import UUID

import numpy as np
import pandas as pd
from shapely import Point
from sqlalchemy import Connection

from gis.demonstration.campaigns import (
    OFFICER,
    STREAM,
    Campaign,
    Visit,
    list_sites,
    make_flood_rounds,
    make_visits,
    plan_campaigns,
)
from gis.demonstration.cases import (
    PLANS,
    Case,
    choose_visits,
    find_again,
    list_items,
    name_form,
    open_cases,
    reinspect,
)
from gis.demonstration.plan import make_identities
from gis.errors import InputError
from gis.hazards import ledger
from gis.hazards.case import Outcome
from gis.hazards.office import draw_strata
from gis.hazards.records import RecordType, as_record
from gis.hazards.rounds import apply_record, make_task_id

Row = dict[str, Any]  # Any: values of a record's columns


@dataclass(frozen=True, slots=True)
class Rounds:
    """What the bureau went out for, and what came of it."""

    campaigns: tuple[Campaign, ...]
    visits: tuple[Visit, ...]
    cases: tuple[Case, ...]
    records: tuple[Row, ...]
    """The records that are no step of a hazard, in the order they were made."""


def make_rounds(seed: int, last: Mapping[str, pd.DataFrame], seat: str) -> Rounds:
    """The bureau's rounds of 2026; ``last`` holds the current rows, ``seat`` is a township."""
    rng = np.random.default_rng([seed, STREAM])
    sites = list_sites(last)
    campaigns = plan_campaigns(rng, sites, seat)
    visits = make_visits(rng, campaigns)
    nights = make_flood_rounds(rng, sites["flood"])
    wet = [visit for visit in nights if visit.flood and visit.flood["depth_m"]]
    of = {c.id: [v for v in visits if v.campaign == c.id] for c in campaigns}
    spring, summer, winter = (of[c.id] for c in campaigns)
    found = [
        case
        for category in ("flood", "village_fire")
        for case in _find(rng, [v for v in spring if v.site.category == category], category)
    ]
    drawn, walked = reinspect(rng, _find(rng, summer, "gas"))
    again, looked = find_again(rng, drawn)
    found += [*drawn, *again, *_find(rng, winter, "running")]
    found += open_cases(rng, list(zip(wet, PLANS["rain"], strict=True)))
    every = _tell_results([*visits, *nights, *walked, *looked], found)
    records = sorted(_write_records(rng, campaigns, every), key=lambda r: (r["at"], r["id"]))
    return Rounds(campaigns, tuple(every), tuple(found), tuple(records))


def _find(rng: np.random.Generator, visits: Sequence[Visit], plan: str) -> list[Case]:
    return open_cases(rng, choose_visits(visits, PLANS[plan]))


def _tell_results(visits: Iterable[Visit], cases: Iterable[Case]) -> list[Visit]:
    """The visits, those on which a hazard was found saying so."""
    items: dict[str, list[str]] = {}
    for case in cases:
        items.setdefault(case.visit.id, []).append(case.item.key)
    told = (
        replace(v, result="hazards", found=tuple(dict.fromkeys((*v.found, *items[v.id]))))
        if v.id in items
        else v
        for v in visits
    )
    return sorted(told, key=lambda v: (v.at, v.id))


def _write_records(
    rng: np.random.Generator, campaigns: Sequence[Campaign], visits: Sequence[Visit]
) -> Iterator[Row]:
    for campaign in campaigns:
        yield from _write_campaign(rng, campaign)
    for visit, identifier in zip(visits, make_identities(rng, len(visits)), strict=True):
        yield _write_visit(visit, identifier)


def _write_campaign(rng: np.random.Generator, campaign: Campaign) -> Iterator[Row]:
    """Opened, drawn, shared out, and ended; the targets are drawn when it is loaded."""
    told: list[tuple[RecordType, Row]] = [
        (
            RecordType.CAMPAIGN_OPENED,
            {
                "name": campaign.name,
                "document": campaign.document,
                "rules": [dict(rule) for rule in campaign.rules],
                "starts_on": campaign.starts_on.isoformat(),
                "due_on": campaign.due_on.isoformat(),
            },
        ),
        (RecordType.TARGETS_DRAWN, {}),
    ]
    told += [
        (
            RecordType.TARGETS_ASSIGNED,
            {
                "tasks": [name_task(campaign.id, s.id, s.category) for s in sites],
                "to": login,
            },
        )
        for login, sites in campaign.assigned.items()
    ]
    moments = [campaign.opened_at + timedelta(minutes=n) for n in range(len(told))]
    if campaign.closed_at is not None:
        told.append((RecordType.CAMPAIGN_CLOSED, {}))
        moments.append(campaign.closed_at)
    ids = make_identities(rng, len(told))
    for identifier, at, (type_, payload) in zip(ids, moments, told, strict=True):
        yield {
            "id": identifier,
            "type": type_.value,
            "at": at,
            "actor": OFFICER,
            "role": "officer",
            "campaign_id": campaign.id,
            "payload": payload,
        }


def name_task(campaign: str, site: str, category: str) -> str:
    """The identity the product gives a target of a campaign."""
    return str(make_task_id(UUID(campaign), UUID(site), category))


def _write_visit(visit: Visit, identifier: str) -> Row:
    site = visit.site
    task = name_task(visit.campaign, site.id, site.category) if visit.campaign else None
    payload: Row = {
        "category": site.category,
        "result": visit.result,
        "team": list(visit.team.names),
        "joint": list(visit.team.joint),
        "checklist": [] if visit.result == "no_entry" else _tick(visit),
    }
    if visit.flood is not None:
        payload["flood"] = dict(visit.flood)
    return {
        "id": identifier,
        "type": RecordType.VISITED.value,
        "at": visit.at,
        "actor": visit.team.login,
        "role": "inspector",
        "campaign_id": visit.campaign,
        "visit_id": visit.id,
        "task_id": task,
        "asset_id": site.id,
        "township": site.township,
        "form": name_form(site.category),
        "geom_raw": Point(site.lon, site.lat),
        "accuracy_m": 8.0,
        "accuracy_level": 0.95,
        "fix_source": "gnss",
        "payload": payload,
    }


def _tick(visit: Visit) -> list[dict[str, str]]:
    every = (True, False)
    lines = [item.key for major in every for item in list_items(visit.site, is_major=major)]
    ticked = dict.fromkeys((*lines, *visit.found), "pass") | dict.fromkeys(visit.found, "fail")
    return [{"item": item, "result": result} for item, result in ticked.items()]


def load_records(connection: Connection, records: Iterable[Row]) -> None:
    """Append the records to the log, in their order, and what each leads to (jobs role).

    Raises InputError for one the product would refuse.
    """
    rules: dict[str, list[Row]] = {}
    for record in records:
        row = dict(record)
        if row["type"] == RecordType.CAMPAIGN_OPENED:
            rules[row["campaign_id"]] = row["payload"]["rules"]
        if row["type"] == RecordType.TARGETS_DRAWN:
            row["payload"] = {"strata": draw_strata(connection, rules[row["campaign_id"]])}
        _load_record(connection, row)


_IDS = ("id", "visit_id", "campaign_id", "task_id", "asset_id")


def _load_record(connection: Connection, row: Row) -> None:
    number = ledger.write_event(connection, row)
    identities = {name: UUID(row[name]) for name in _IDS if row.get(name)}
    record = as_record({**row, **identities, "number": number})
    verdict = apply_record(connection, record)
    if verdict.outcome is not Outcome.APPLIED and verdict.reason is not None:
        raise InputError(verdict.reason.text, rule=verdict.reason.rule)
    ledger.write_outcome(connection, record.id, None, verdict)


def count_rounds(rounds: Rounds) -> Row:
    """The oracle's figures, counted from the plan alone."""
    return {
        "campaigns": {c.name: _count_campaign(c, rounds.visits) for c in rounds.campaigns},
        "visits_by_category": {
            category: _count_visits([v for v in rounds.visits if v.site.category == category])
            for category in ("gas", "flood", "village_fire")
        },
        "visits_by_result": dict(Counter(v.result for v in rounds.visits)),
        "visits": len(rounds.visits),
        "found_on_visits": len(rounds.cases),
        "to_go": _count_to_go(rounds),
        "recurrence": _count_recurrence(rounds.cases),
    }


def _count_visits(visits: Sequence[Visit]) -> Row:
    """次: dated outings of a team; 家次: visits that got in; 家: sites that were entered."""
    entered = [v for v in visits if v.result != "no_entry"]
    return {
        "outings": len({(v.team.names, (v.at + timedelta(hours=8)).date()) for v in visits}),
        "visits": len(entered),
        "units": len({v.site.id for v in entered}),
        "no_entry": len(visits) - len(entered),
    }


def _count_campaign(campaign: Campaign, visits: Sequence[Visit]) -> Row:
    states = _states(campaign, visits)
    return {
        "is_open": campaign.closed_at is None,
        "population": dict(campaign.population),
        "targets": dict(Counter(site.category for site in campaign.targets)),
        "states": dict(Counter(states.values())),
        "assigned": {login: len(sites) for login, sites in campaign.assigned.items()},
        "by_category": {
            category: _count_visits(
                [v for v in visits if v.campaign == campaign.id and v.site.category == category]
            )
            for category in campaign.population
        },
    }


def _states(campaign: Campaign, visits: Sequence[Visit]) -> dict[str, str]:
    """How each target stands: entered once is done; nobody opened; not gone to."""
    states = {
        site.id: "todo" if campaign.closed_at is None else "dropped" for site in campaign.targets
    }
    for visit in visits:
        if visit.campaign == campaign.id and states[visit.site.id] != "done":
            states[visit.site.id] = "no_entry" if visit.result == "no_entry" else "done"
    return states


def _count_to_go(rounds: Rounds) -> dict[str, int]:
    """What the phones start with: targets of the running campaign that are not done."""
    counted: dict[str, int] = {}
    for campaign in rounds.campaigns:
        if campaign.closed_at is None:
            states = _states(campaign, rounds.visits)
            for login, sites in campaign.assigned.items():
                counted[login] = sum(states[site.id] in ("todo", "no_entry") for site in sites)
    return counted


def _count_recurrence(cases: Sequence[Case]) -> Row:
    """Closed hazards that can recur, and those whose item failed again at the site in a year."""
    closed = [c for c in cases if c.events[-1]["type"] == "closed"]
    standing = [c for c in cases if c.events[-1]["type"] not in ("dismissed", "duplicate")]
    recurred = [
        c
        for c in closed
        if any(
            later.visit.site.id == c.visit.site.id
            and later.item.key == c.item.key
            and timedelta() < later.events[0]["at"] - c.events[-1]["at"] <= timedelta(days=365)
            for later in standing
        )
    ]
    return {
        "recurrable": len(closed),
        "recurred": [c.events[0]["payload"]["code"] for c in recurred],
    }
