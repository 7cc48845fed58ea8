"""What ``doctor`` says of the working-day calendars: which file is wrong, in which line."""

from __future__ import annotations

from api.findings import Finding, State
from gis.attributes import Text
from gis.hazards.calendar import FOLDER, read_sound_calendar
from gis.settings import Settings

_TITLE = Text(zh="工作日历", en="Working-day calendars")


def examine_calendars(settings: Settings) -> Finding:
    """Every calendar file can be read; where one cannot, its year counts weekends only."""
    _, faults = read_sound_calendar(settings.state_folder)
    if not faults:
        return Finding("calendars", _TITLE, State.OK, Text(zh="正常", en="in order"))
    found = Text(
        zh=";".join(fault.message.zh for fault in faults),
        en="; ".join(fault.message.en for fault in faults),
    )
    fix = Text(
        zh="更正 {folder} 中的该行(首行 date,day,其后如 2027-01-01,off 或 2027-01-03,worked);"
        "在此之前该年仅按周末推算,期限旁注明",
        en="correct that line in {folder} (first line date,day, then such as 2027-01-01,off or"
        " 2027-01-03,worked); until then that year counts weekends only, and deadlines say so",
    ).format(folder=settings.state_folder / FOLDER)
    return Finding("calendars", _TITLE, State.WRONG, found, fix)
