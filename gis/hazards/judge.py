"""What the server makes of one event of a hazard: applied, waiting or refused, and why.

Pure: it sees a :class:`Case`, all that is on record of the hazard, and decides by the order of the
log alone. So judging the log anew (:mod:`gis.hazards.rebuild`) must come to the same.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any
from uuid import UUID

from gis.attributes import Text
from gis.errors import InfratrackError
from gis.evidence.pairing import Shot, judge_pair
from gis.hazards.admission import read_refusal
from gis.hazards.case import Case, Entry, Outcome, Reason, Verdict
from gis.hazards.envelope import EvidenceKind, EvidenceNote
from gis.hazards.events import Duplicate, EventType, HazardEvent, read_event
from gis.hazards.presets import (
    Preset,
    find_reinspector_breach,
    find_second_person_breach,
)
from gis.hazards.requirements import find_objection
from gis.hazards.settle import read_payload
from gis.hazards.transitions import ALWAYS_APPENDED, TRANSITIONS
from gis.hazards.workflow import apply
from gis.kinds.hazard import HazardState, Severity


def judge(case: Case, entry: Entry) -> Verdict:
    """The verdict on ``entry``; the first rule that objects decides."""
    if not entry.trusted and (refusal := read_refusal(entry.settled)) is not None:
        return Verdict(Outcome.REFUSED, refusal)
    try:
        event = _as_event(case, entry)
    except InfratrackError as error:
        return _refuse("payload", error.message, **_beside_rule(error.facts))
    if (verdict := _ask(_ORDER, case, entry, event)) is not None:
        return verdict
    try:
        applied = Verdict(Outcome.APPLIED, event=event, hazard=apply(case.hazard, event))
    except InfratrackError as error:
        rule = str(error.facts.get("rule", "transition"))
        return _refuse(rule, error.message, **_beside_rule(error.facts))
    return _ask(_PROOF, case, entry, event) or applied


def _ask(rules: Sequence[Rule], case: Case, entry: Entry, event: HazardEvent) -> Verdict | None:
    """What the first rule that objects says; what is trusted is not asked."""
    objections = (rule(case, entry, event) for rule in rules if not entry.trusted)
    return next((verdict for verdict in objections if verdict is not None), None)


def judge_all(case: Case, entries: list[Entry]) -> tuple[Case, dict[UUID, Verdict]]:
    """Judge what waits and what is new, in the log's order, until nothing moves any more."""
    verdicts: dict[UUID, Verdict] = {}
    open_entries = sorted(entries, key=lambda entry: entry.number)
    moved = True
    while moved:
        moved = False
        for entry in list(open_entries):
            verdict = judge(case, entry)
            verdicts[entry.id] = verdict
            if verdict.outcome is not Outcome.WAITING:
                open_entries.remove(entry)
            if verdict.outcome is Outcome.APPLIED:
                case, moved = case.after(entry, verdict), True
                break  # what waits longest is asked first again
    return case, verdicts


def _as_event(case: Case, entry: Entry) -> HazardEvent:
    """The entry as the workflow's event; a late arrival takes effect after what was applied."""
    before = case.applied[-1][1].at if case.applied else entry.at
    return read_event(
        {
            "id": entry.id,
            "hazard_id": entry.hazard_id,
            "seq": case.version + 1,
            "type": entry.type,
            "at": max(entry.at, before),
            "actor": entry.actor,
            "role": entry.role,
            "payload": read_payload(entry),
        }
    )


def _beside_rule(facts: dict[str, Any]) -> dict[str, Any]:  # Any: facts of an error
    return {name: value for name, value in facts.items() if name not in ("rule", "zh", "en")}


Rule = Callable[[Case, Entry, HazardEvent], Verdict | None]


def _refuse(rule: str, text: Text, **facts: object) -> Verdict:
    return Verdict(Outcome.REFUSED, Reason(rule, text, facts))


def _wait(rule: str, text: Text, **facts: object) -> Verdict:
    return Verdict(Outcome.WAITING, Reason(rule, text, facts))


def _require_parent(case: Case, _entry: Entry, event: HazardEvent) -> Verdict | None:
    if case.hazard is None and not TRANSITIONS[event.type].begins:
        return _wait(
            "parent",
            Text(zh="等待该隐患的发现记录到达", en="waiting for the record of its discovery"),
        )
    if case.hazard is not None and event.type is EventType.FOUND:
        return _refuse(
            "exists",
            Text(zh="此隐患已登记在案", en="this hazard is on record already"),
            code=case.hazard.code,
        )
    return None


def _require_place(_case: Case, entry: Entry, event: HazardEvent) -> Verdict | None:
    if event.type is EventType.FOUND and entry.place is None:
        return _refuse(
            "position",
            Text(
                zh="没有可用的位置:请选择设施或在地图上点选后重报",
                en="no usable position: choose an asset or tap the map, and send it again",
            ),
        )
    return None


def _require_version(case: Case, entry: Entry, event: HazardEvent) -> Verdict | None:
    if event.type is EventType.FOUND or event.type in ALWAYS_APPENDED:
        return None
    if entry.expected_version is None:
        return _refuse(
            "expected-version",
            Text(zh="缺少所依据的版本号", en="it does not say which version it is based on"),
        )
    if entry.expected_version > case.version:
        return _wait(
            "earlier-events",
            Text(zh="等待在它之前的记录到达", en="waiting for the records before it"),
            expected=entry.expected_version,
            version=case.version,
        )
    # What others merely added meanwhile takes nobody's decision away.
    meanwhile = [
        event
        for _, event in case.applied[entry.expected_version :]
        if event.type not in ALWAYS_APPENDED - {EventType.IMPORTED}
    ]
    if meanwhile:
        last = meanwhile[-1]
        return _refuse(
            "stale",
            Text(
                zh="此隐患已被{actor}办理({what}),你所依据的是第 {expected} 版,现为第 {version} 版",
                en="{actor} acted on it meanwhile ({what_en}): you had version {expected},"
                " it is at {version}",
            ).format(
                actor=last.actor,
                what=last.type.text.zh,
                what_en=last.type.text.en,
                expected=entry.expected_version,
                version=case.version,
            ),
            version=case.version,
        )
    return None


def _require_proof(case: Case, entry: Entry, event: HazardEvent) -> Verdict | None:
    objection = find_objection(case, entry, event)
    return None if objection is None else Verdict(Outcome.REFUSED, objection)


def _require_reinspection(case: Case, _entry: Entry, event: HazardEvent) -> Verdict | None:
    if event.type is not EventType.CLOSED or case.hazard is None:
        return None
    if case.hazard.state is HazardState.SUBMITTED and case.hazard.reinspected_by is None:
        return _refuse(
            "reinspection",
            Text(zh="销号前须复查合格", en="it must pass a re-inspection before it is closed"),
        )
    return None


def _require_major(case: Case, _entry: Entry, event: HazardEvent) -> Verdict | None:
    """A step of major hazards is none of the others'."""
    is_major = case.hazard is not None and case.hazard.severity is Severity.MAJOR
    if is_major or not TRANSITIONS[event.type].major_only:
        return None
    return _refuse(
        "major-only",
        Text(
            zh="仅重大隐患须{event_zh}", en='only a major hazard has the step "{event_en}"'
        ).format(event_zh=event.type.text.zh, event_en=event.type.text.en),
    )


def _require_second_person(case: Case, entry: Entry, event: HazardEvent) -> Verdict | None:
    """Who found or repaired it does not pass it; who passed it does not close it."""
    if case.hazard is None or event.type not in (EventType.PASSED, EventType.CLOSED):
        return None
    preset, hazard = entry.settled.get("preset", Preset.STRICT), case.hazard
    actors = {
        "found": hazard.found_by,
        "fixed": hazard.fixed_by,
        "reinspected": hazard.reinspected_by,
    }
    if event.type is EventType.PASSED:
        breach = find_reinspector_breach(preset, hazard.severity, actors, event.actor)
    else:
        breach = find_second_person_breach(preset, hazard.severity, actors, event.actor, event.role)
    return None if breach is None else _refuse("second-person", breach)


def _require_pair(case: Case, entry: Entry, event: HazardEvent) -> Verdict | None:
    """An after-photo is later than the one before, and near it; where unknown, people weigh it."""
    if event.type not in (EventType.FIXED_ON_SPOT, EventType.SUBMITTED):
        return None
    befores = [n for n in case.evidence() if n.kind in _BEFORE]
    afters = [n for n in entry.evidence if n.kind is EvidenceKind.AFTER]
    if not befores or not afters:
        return None
    # The repair is shown when one pair is right: other photos may show other things.
    findings = [judge_pair(_shot(b), _shot(a)) for b in befores for a in afters]
    known = [f for f in findings if f is None or not f.rule.endswith("-unknown")]
    if not known or None in known:
        return None
    worst = known[0]
    return None if worst is None else _refuse(worst.rule, worst.text, **worst.facts)


_BEFORE = frozenset({EvidenceKind.BEFORE_WIDE, EvidenceKind.BEFORE_CLOSE})


def _shot(note: EvidenceNote) -> Shot:
    return Shot(note.taken_at, note.lon, note.lat, note.accuracy_m)


def _require_bytes(case: Case, entry: Entry, event: HazardEvent) -> Verdict | None:
    """Closing needs the bytes of everything that was promised, and not declared lost."""
    if event.type is not EventType.CLOSED:
        return None
    owed = case.owed() | {note.sha256 for note in entry.evidence}
    if missing := sorted(owed - case.stored):
        return _wait(
            "bytes",
            Text(
                zh="等待 {count} 个证据文件上传完成",
                en="waiting for {count} files of evidence to arrive",
            ).format(count=len(missing)),
            missing=missing,
        )
    return None


def _require_survivor(case: Case, entry: Entry, event: HazardEvent) -> Verdict | None:
    """A duplicate goes on as another hazard that goes on itself: no hazard vanishes in a circle."""
    if not isinstance(event.payload, Duplicate) or entry.rules < 2:
        return None
    survivor = case.others.get(event.payload.survivor)
    if survivor is None:
        words = Text(zh="没有编号为 {name} 的隐患", en="there is no hazard {name}")
    elif survivor.id == entry.hazard_id:
        words = Text(zh="不能并入自身", en="a hazard is no duplicate of itself")
    elif survivor.state in (HazardState.DUPLICATE, HazardState.DISMISSED):
        words = Text(
            zh="隐患 {name} {state_zh},不能并入", en="{name} is {state_en}: nothing goes on as it"
        ).format(
            name=event.payload.survivor,
            state_zh=survivor.state.text.zh,
            state_en=survivor.state.text.en.lower(),
        )
    else:
        return None
    return _refuse("survivor", words.format(name=event.payload.survivor))


_ORDER: tuple[Rule, ...] = (_require_parent, _require_place, _require_version)
"""Asked before the workflow: is it this event's turn?"""
_PROOF: tuple[Rule, ...] = (
    _require_major,
    _require_survivor,
    _require_proof,
    _require_pair,
    _require_reinspection,
    _require_second_person,
    _require_bytes,
)
"""Asked of what the workflow allows: is it proved?"""
