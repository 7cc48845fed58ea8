"""What the table of transitions asks of a step, beside its place in the order: proofs and persons.

Pure, as the judge is. Under the first rules (``Entry.rules`` 1) only part of it was asked.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from gis.attributes import Text
from gis.hazards.case import Case, Entry, Reason
from gis.hazards.deadlines import business_day
from gis.hazards.envelope import EvidenceKind
from gis.hazards.events import EventType, EvidenceLost, FixedOnSpot, HazardEvent
from gis.hazards.forms import has_signature
from gis.hazards.presets import find_spot_repair_breach
from gis.hazards.transitions import TRANSITIONS
from gis.kinds.hazard import Hazard, HazardState, Severity

Requirement = Callable[[Case, Hazard, Entry, HazardEvent], Reason | None]


@dataclass(frozen=True, slots=True)
class _Proof:
    """What satisfies a need of the table: evidence of any of these kinds, or words in any of these
    members of the payload. ``since``: the version of the rules that asks for it."""

    text: Text
    kinds: frozenset[EvidenceKind]
    words: tuple[str, ...] = ()
    since: int = 1


_SIGNED = frozenset({EvidenceKind.SIGNATURE, EvidenceKind.REFUSAL})
_PROOFS: Mapping[str, _Proof] = {
    "after_photo": _Proof(
        Text(zh="整改后照片", en="a photo after the repair"), frozenset({EvidenceKind.AFTER})
    ),
    "unit_signature": _Proof(
        Text(zh="被检查单位签字或拒签记录", en="the unit's signature or its recorded refusal"),
        _SIGNED,
        ("refused_reason",),
    ),
    "reinspection_photo": _Proof(
        Text(zh="复查照片", en="a photo of the re-inspection"),
        frozenset({EvidenceKind.REINSPECTION, EvidenceKind.AFTER}),
    ),
    "failed_item_photo": _Proof(
        Text(zh="不合格项照片", en="a photo of what fails"), frozenset({EvidenceKind.REINSPECTION})
    ),
    "interim_control_photo": _Proof(
        Text(zh="临时管控照片", en="a photo of the interim control"),
        frozenset({EvidenceKind.INTERIM}),
    ),
    "notice": _Proof(
        Text(zh="整改通知书或其文号", en="the notice or its number"),
        frozenset({EvidenceKind.NOTICE}),
        ("document",),
        since=2,
    ),
    "signature_or_refusal": _Proof(
        Text(zh="签收或拒签记录", en="the signature for it or its recorded refusal"),
        _SIGNED,
        ("refused_reason",),
        since=2,
    ),
    "receipt": _Proof(
        Text(zh="移送回执或文号", en="the receipt of the transfer or its number"),
        frozenset({EvidenceKind.RECEIPT, EvidenceKind.DOCUMENT}),
        ("document",),
        since=2,
    ),
    "request": _Proof(
        Text(zh="整改责任单位的延期申请", en="the duty holder's request"),
        frozenset({EvidenceKind.REQUEST, EvidenceKind.DOCUMENT}),
        ("requested_by",),
        since=2,
    ),
    "interim_control": _Proof(
        Text(zh="延期期间的管控措施", en="the interim control meanwhile"),
        frozenset({EvidenceKind.MEASURES, EvidenceKind.INTERIM}),
        ("interim_control",),
        since=2,
    ),
}
_MAJOR_ONLY = frozenset({(EventType.RECTIFYING, "interim_control_photo")})
_BY_SIGNATURE = frozenset({"unit_signature", "signature_or_refusal"})


def _require_evidence(
    _case: Case, hazard: Hazard, entry: Entry, event: HazardEvent
) -> Reason | None:
    """What the table asks for must be promised, or said where words are enough."""
    lacking = [
        _PROOFS[need].text
        for need in TRANSITIONS[event.type].evidence
        if need in _PROOFS and not _is_given(need, hazard, entry, event)
    ]
    if "position" in TRANSITIONS[event.type].evidence and not _has_position(entry):
        lacking.append(Text(zh="复查位置", en="the position of the re-inspection"))
    if not lacking:
        return None
    return Reason(
        "evidence",
        Text(zh="缺少证据:{zh}", en="evidence is missing: {en}").format(
            zh="、".join(t.zh for t in lacking), en=", ".join(t.en for t in lacking)
        ),
    )


def _is_given(need: str, hazard: Hazard, entry: Entry, event: HazardEvent) -> bool:
    proof = _PROOFS[need]
    if entry.rules < proof.since:
        return True
    if need in _BY_SIGNATURE and not has_signature(hazard.category, entry.form):
        return True
    if (event.type, need) in _MAJOR_ONLY and hazard.severity is not Severity.MAJOR:
        return True
    if need == "interim_control" and hazard.controlled_at is not None:
        return True
    return bool(proof.kinds & {note.kind for note in entry.evidence}) or any(
        str(entry.payload.get(name) or "").strip() for name in proof.words
    )


def _has_position(entry: Entry) -> bool:
    return (
        entry.rules < 2
        or entry.place is not None
        or any(note.lon is not None and note.lat is not None for note in entry.evidence)
    )


def _require_leader(_case: Case, hazard: Hazard, entry: Entry, event: HazardEvent) -> Reason | None:
    """The notice of a major hazard is the leader's."""
    if entry.rules < 2 or hazard.severity is not Severity.MAJOR:
        return None
    if event.role is None or event.role in TRANSITIONS[event.type].roles_of(is_major=True):
        return None
    return Reason(
        "leader",
        Text(
            zh="重大隐患须由分管领导{what_zh}", en='of a major hazard "{what_en}" is the leader\'s'
        ).format(what_zh=event.type.text.zh, what_en=event.type.text.en),
    )


def _require_spot_team(
    _case: Case, hazard: Hazard, entry: Entry, event: HazardEvent
) -> Reason | None:
    """Repaired on the spot: in the same visit, before two inspectors and the unit."""
    payload = event.payload
    if not isinstance(payload, FixedOnSpot) or entry.rules < 2:
        return None
    if not _is_same_visit(hazard, entry):
        return Reason(
            "same-visit",
            Text(
                zh="现场整改须在发现隐患的同一次检查中,其后请走限期整改",
                en="a repair on the spot is of the visit that found the hazard; later it goes the"
                " ordinary way",
            ),
        )
    signs = has_signature(hazard.category, entry.form)
    signed = not signs or bool(_SIGNED & {note.kind for note in entry.evidence})
    breach = find_spot_repair_breach(payload.team, signed=signed, refusal=payload.refused_reason)
    return None if breach is None else Reason("two-inspectors", breach)


def _is_same_visit(hazard: Hazard, entry: Entry) -> bool:
    if hazard.visit_id is not None or entry.visit_id is not None:
        return hazard.visit_id == (str(entry.visit_id) if entry.visit_id else None)
    same_day = business_day(hazard.found_at) == business_day(entry.at)
    return same_day and hazard.found_by == entry.actor


def _require_sample(_case: Case, hazard: Hazard, entry: Entry, event: HazardEvent) -> Reason | None:
    """A repair on the spot that was drawn is seen again before it is closed."""
    drawn = event.type is EventType.CLOSED and bool(entry.settled.get("sampled"))
    if not drawn or hazard.state is not HazardState.FIXED_ON_SPOT or hazard.reinspected_by:
        return None
    return Reason(
        "sampled",
        Text(
            zh="此件被抽中,须现场复查合格后销号",
            en="it was drawn for the sample: it is re-inspected on the spot before it is closed",
        ),
    )


def _require_timely_extension(
    _case: Case, hazard: Hazard, entry: Entry, event: HazardEvent
) -> Reason | None:
    """What is late already is not extended."""
    if event.type is not EventType.EXTENDED or entry.rules < 2 or hazard.due_at is None:
        return None
    if entry.at <= hazard.due_at:
        return None
    return Reason(
        "extended-late",
        Text(zh="延期须在到期前批准", en="an extension is granted before the due date"),
    )


def _require_notice(_case: Case, hazard: Hazard, entry: Entry, event: HazardEvent) -> Reason | None:
    """What was deferred before any notice has no date to be rectified by."""
    if event.type is not EventType.RECTIFYING or entry.rules < 2:
        return None
    if hazard.state is not HazardState.DEFERRED or hazard.original_due_at is not None:
        return None
    return Reason(
        "notice-first",
        Text(zh="尚未下达过整改通知,请先下达", en="no notice was given yet: give one first"),
    )


def _require_lost_comment(
    case: Case, _hazard: Hazard, _entry: Entry, event: HazardEvent
) -> Reason | None:
    """Only what a comment promised is declared lost: the proof of a step must be there."""
    if not isinstance(event.payload, EvidenceLost):
        return None
    promised = {name: set[str]() for name in (True, False)}
    for entry, earlier in case.applied:
        is_comment = earlier.type is EventType.COMMENTED
        promised[is_comment] |= {note.sha256 for note in entry.evidence}
    files = set(event.payload.files)
    if files & promised[False]:
        words = Text(
            zh="发现、整改、复查等环节的证据不能声明遗失,须补齐",
            en="the proof of a step cannot be declared lost: it must be brought",
        )
    elif files & case.stored:
        words = Text(zh="文件已经入库", en="a file has arrived")
    elif files - promised[True]:
        words = Text(zh="没有补充说明提到过此文件", en="no comment has promised that file")
    else:
        return None
    return Reason("not-lost", words)


REQUIREMENTS: tuple[Requirement, ...] = (
    _require_leader,
    _require_evidence,
    _require_spot_team,
    _require_timely_extension,
    _require_notice,
    _require_sample,
    _require_lost_comment,
)


def find_objection(case: Case, entry: Entry, event: HazardEvent) -> Reason | None:
    """The first requirement that objects; a discovery is never turned away for lack of proof."""
    if event.type is EventType.FOUND or case.hazard is None:
        return None
    hazard = case.hazard
    reasons = (ask(case, hazard, entry, event) for ask in REQUIREMENTS)
    return next((reason for reason in reasons if reason is not None), None)
