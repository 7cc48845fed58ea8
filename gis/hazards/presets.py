"""Second-person rules: who may re-inspect and close, as named presets of a bureau.

``strict``: neither who found nor who repaired it re-inspects, and who re-inspected does not close.
``small`` is for units of three people: the finder of a general hazard may re-inspect it, but
another closes. A major hazard needs, under both, a finder, a re-inspector and the leader who
closes: three people. Both are settings of the bureau, not law.
"""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from uuid import UUID

from gis.attributes import Text, Vocabulary
from gis.hazards.events import Role
from gis.kinds.hazard import Severity


class Preset(Vocabulary):
    """Which second-person rule a bureau works by."""

    STRICT = ("strict", "标准", "Standard")
    SMALL = ("small", "三人单位", "Units of three")


@dataclass(frozen=True, slots=True)
class _Rules:
    """For one severity class: which of the earlier hands may not re-inspect, and may not close."""

    reinspector_not: tuple[str, ...]
    closer_not: tuple[str, ...]
    leader_closes: bool = False


_MAJOR = _Rules(("fixed", "found"), ("fixed", "reinspected", "found"), leader_closes=True)
_RULES: Mapping[tuple[Preset, bool], _Rules] = {
    (Preset.STRICT, False): _Rules(("fixed", "found"), ("fixed", "reinspected")),
    (Preset.STRICT, True): _MAJOR,
    (Preset.SMALL, False): _Rules(("fixed",), ("fixed", "reinspected")),
    (Preset.SMALL, True): _MAJOR,
}
_ON_THE_SPOT = _Rules((), ("found", "fixed"))
"""A repair on the spot was seen by its finder; an office reviewer who is another closes it."""

SPOT_SAMPLE_PERCENT = (5, 10)
"""Share of the repairs on the spot that is visited again."""

_HANDS: Mapping[str, Text] = {
    "found": Text(zh="发现人", en="who found it"),
    "fixed": Text(zh="整改人", en="who repaired it"),
    "reinspected": Text(zh="复查人", en="who re-inspected it"),
}


def find_second_person_breach(
    preset: Preset | str,
    severity: Severity,
    actors: Mapping[str, str | None],
    closing_actor: str,
    role: Role | None,
    *,
    staff: Collection[str] = (),
) -> Text | None:
    """Why ``closing_actor`` may not close, and who may; None when nothing stands against it.

    ``actors``: logins under found, fixed, reinspected; without ``reinspected`` it is a repair on
    the spot (``fixed`` is then its finder). ``role`` is the closer's (None: not given, as in
    imports, and not judged). ``staff``: logins of those who could, to be named.
    """
    again = actors.get("reinspected")
    if again is not None:
        breach = find_reinspector_breach(preset, severity, actors, again, staff=staff)
        if breach is not None:
            return breach
    rules = _rules_of(Preset(preset), severity, on_the_spot=again is None)
    hands = {name: actors.get(name) for name in _HANDS}
    if rules.leader_closes and role is not None and role is not Role.LEADER:
        return Text(
            zh="重大隐患须由分管领导销号({role}不可)",
            en="a major hazard is closed by the leader in charge, not by a {role_en}",
        ).format(role=role.text.zh, role_en=role.text.en.lower())
    clash = _find_clash(closing_actor, rules.closer_not, hands)
    if clash is None:
        return _find_missing_third(rules, hands)
    return _say(
        Text(
            zh="{who} 是{hand_zh},不能销号",
            en="{who} is {hand_en} and may not close it",
        ).format(who=closing_actor, hand_zh=_HANDS[clash].zh, hand_en=_HANDS[clash].en),
        {hands[name] for name in rules.closer_not},
        staff,
    )


def find_reinspector_breach(
    preset: Preset | str,
    severity: Severity,
    actors: Mapping[str, str | None],
    reinspector: str,
    *,
    staff: Collection[str] = (),
) -> Text | None:
    """Why ``reinspector`` may not re-inspect, and who may; None when nothing stands against it."""
    rules = _rules_of(Preset(preset), severity, on_the_spot=False)
    hands = {name: actors.get(name) for name in _HANDS}
    clash = _find_clash(reinspector, rules.reinspector_not, hands)
    if clash is None:
        return None
    why = Text(
        zh="{who} 是{hand_zh},不能复查", en="{who} is {hand_en} and may not re-inspect it"
    ).format(who=reinspector, hand_zh=_HANDS[clash].zh, hand_en=_HANDS[clash].en)
    return _say(why, {hands[name] for name in rules.reinspector_not}, staff)


def _rules_of(preset: Preset, severity: Severity, *, on_the_spot: bool) -> _Rules:
    if on_the_spot and severity is not Severity.MAJOR:
        return _ON_THE_SPOT
    return _RULES[preset, severity is Severity.MAJOR]


def _find_clash(who: str, forbidden: Sequence[str], hands: Mapping[str, str | None]) -> str | None:
    return next((name for name in forbidden if hands[name] == who), None)


def _find_missing_third(rules: _Rules, hands: Mapping[str, str | None]) -> Text | None:
    """A major hazard was seen by somebody beside who found and who repaired it."""
    if not rules.leader_closes or hands["reinspected"] is not None:
        return None
    return Text(
        zh="重大隐患须经发现人和整改人以外的人员复查后才能销号",
        en="a major hazard is re-inspected by somebody who neither found nor repaired it before it"
        " is closed",
    )


def _say(why: Text, barred: Collection[str | None], staff: Collection[str]) -> Text:
    names = sorted(name for name in barred if name)
    able = sorted(set(staff) - set(names))
    if able:
        who = Text(zh=f"可由 {'、'.join(able)} 办理", en=f"{', '.join(able)} may")
    else:
        who = Text(
            zh=f"须由 {'、'.join(names)} 以外的人员办理",
            en=f"somebody other than {', '.join(names)} must",
        )
    return Text(zh=f"{why.zh};{who.zh}", en=f"{why.en}; {who.en}")


def find_spot_repair_breach(
    team: Sequence[str], *, signed: bool, refusal: str | None = None
) -> Text | None:
    """What a repair on the spot lacks: two inspectors, and the unit's signature or its refusal."""
    if len({name.strip() for name in team if name.strip()}) < 2:
        return Text(
            zh="现场整改须有两名以上检查人员",
            en="a repair on the spot needs two inspectors",
        )
    if not signed and not (refusal or "").strip():
        return Text(
            zh="须有被检查单位签字,或记录拒签原因",
            en="the unit must sign, or its refusal is recorded with the reason",
        )
    return None


def is_sampled(hazard_id: UUID, *, percent: int, seed: str) -> bool:
    """Whether a repair on the spot is drawn to be visited again.

    The draw follows from the identifier and the bureau's ``seed`` alone: anybody who knows the
    seed can repeat it, nobody who does not can foresee it.
    """
    digest = hashlib.sha256(f"{seed}\n{hazard_id}".encode()).digest()
    return int.from_bytes(digest[:8], "big") % 10_000 < percent * 100
