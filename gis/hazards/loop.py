"""闭环: whether a closed hazard has every piece of its loop on record, as SQL over its events.

What the table of transitions asks for is looked for again in the log, also where the rules were
not asked: what an import or a click closed has no photo, and says so here.
"""

from __future__ import annotations

from collections.abc import Mapping

from gis.attributes import Text
from gis.db.tables import CORE
from gis.hazards.envelope import EvidenceKind
from gis.hazards.forms import has_signature
from gis.kinds.hazard import HazardCategory
from gis.queries import Parameters

PIECES: Mapping[str, Text] = {
    "order": Text(zh="整改期限或现场整改", en="a date ordered, or repaired on the spot"),
    "repair": Text(zh="整改完成时间早于销号时间", en="repaired before it was closed"),
    "second_person": Text(zh="非整改人复查", en="re-inspected by another than who repaired"),
    "before": Text(zh="整改前照片", en="a photo before"),
    "after": Text(zh="整改后照片", en="a photo after"),
    "notice": Text(zh="通知书文号或通知书", en="the notice or its number"),
    "signature": Text(zh="签字或拒签", en="a signature or its refusal"),
    "reinspection": Text(zh="复查照片", en="a photo of the re-inspection"),
    "plan": Text(zh="重大隐患整改方案", en="the plan of a major hazard"),
    "bytes": Text(zh="全部文件已入库", en="every file has arrived"),
}
"""What a closed loop is made of."""
_BEFORE = (EvidenceKind.BEFORE_WIDE, EvidenceKind.BEFORE_CLOSE)
_SIGNED = (EvidenceKind.SIGNATURE, EvidenceKind.REFUSAL)


def _shows(*kinds: EvidenceKind) -> str:
    """Whether an event's evidence holds one of these kinds."""
    tests = " || ".join(f'@ == "{kind.value}"' for kind in kinds)
    return f"jsonb_path_exists(e.evidence, '$[*].kind ? ({tests})')"


def _says(member: str) -> str:
    return f"coalesce(trim(e.payload ->> '{member}'), '') <> ''"


def _some(*conditions: str) -> str:
    return f"coalesce(bool_or({' AND '.join(conditions)}), false)"


# Of a hazard that was ordered a date, and of one repaired on the spot.
_NOTICED, _ON_SPOT, _PLANNED = (
    f"e.type = '{name}'" for name in ("notified", "fixed_on_spot", "plan_filed")
)
_REFUSED = f"({_shows(*_SIGNED)} OR {_says('refused_reason')})"
_PIECES_SQL = (
    _some("e.type = 'found'", _shows(*_BEFORE)),
    _some("e.type IN ('submitted', 'fixed_on_spot')", _shows(EvidenceKind.AFTER)),
    "coalesce(bool_and(NOT EXISTS (SELECT 1 FROM jsonb_array_elements(e.evidence) n WHERE NOT"
    f" EXISTS (SELECT 1 FROM {CORE}.event s WHERE s.type = 'evidence_stored'"
    " AND s.payload ->> 'sha256' = n ->> 'sha256'))), false)",
)
_ORDERED_SQL = (
    _some(_NOTICED, f"({_says('document')} OR {_shows(EvidenceKind.NOTICE)})"),
    _some(_NOTICED, _REFUSED),
    _some("e.type = 'passed'", _shows(EvidenceKind.REINSPECTION, EvidenceKind.AFTER)),
    f"(f.severity <> 'major' OR {_some(_PLANNED)})",
)
_SPOT_SQL = (f"(f.category <> ALL(%(signed)s) OR {_some(_ON_SPOT, _REFUSED)})",)


def completeness_sql(parameters: Parameters) -> str:
    """Whether the hazard ``f`` is closed with every piece, as of ``%(t)s``; as an expression.

    The events of a hazard are looked at only where its row does not rule it out already.
    """
    parameters["signed"] = [c.value for c in HazardCategory if has_signature(c, None)]
    by_path = (
        f"CASE WHEN f.due_at IS NULL THEN {' AND '.join(_SPOT_SQL)}"
        f" ELSE {' AND '.join(_ORDERED_SQL)} END"
    )
    return (
        "CASE WHEN f.state = 'closed' AND coalesce(f.fixed_at <= f.closed_at, false)"
        " AND (f.due_at IS NULL OR (f.reinspected_by IS NOT NULL"
        " AND f.reinspected_by IS DISTINCT FROM f.fixed_by))"
        f" THEN (SELECT {' AND '.join(_PIECES_SQL)} AND {by_path}"
        f" FROM {CORE}.event_outcome o JOIN {CORE}.event e ON e.id = o.event_id"
        " WHERE o.hazard_id = f.id AND o.outcome = 'applied' AND o.applied_at <= %(t)s)"
        " ELSE false END"
    )


def say_pieces() -> Text:
    """What was looked at, in words."""
    return Text(
        zh=f"已核:{'、'.join(words.zh for words in PIECES.values())}",
        en=f"checked: {', '.join(words.en for words in PIECES.values())}",
    )
