"""The types of records that are no step of a hazard, in words."""

from __future__ import annotations

from gis.attributes import Vocabulary


class RecordType(Vocabulary):
    """What a record that is no step of a hazard says."""

    VISITED = ("visited", "检查", "Visited")
    CAMPAIGN_OPENED = ("campaign_opened", "部署专项检查", "Campaign opened")
    TARGETS_DRAWN = ("targets_drawn", "确定检查对象", "Targets drawn")
    TARGETS_ASSIGNED = ("targets_assigned", "分派检查任务", "Targets assigned")
    CAMPAIGN_CLOSED = ("campaign_closed", "专项检查结束", "Campaign closed")
    EVIDENCE_STORED = ("evidence_stored", "证据入库", "Evidence stored")
    ACKNOWLEDGED = ("acknowledged", "签收督办", "Notice acknowledged")
    SHIFT_PLANNED = ("shift_planned", "排班", "Shift planned")
    SHIFT_CANCELLED = ("shift_cancelled", "撤销班次", "Shift cancelled")
    RESPONSE_CHANGED = ("response_changed", "预警响应变更", "Warning or response changed")
    CALLED_OUT = ("called_out", "调派出动", "Team called out")
    TEAM_ARRIVED = ("team_arrived", "队伍到场", "Team arrived")
    WATER_MEASURED = ("water_measured", "测得积水深度", "Water measured")
    ACTION_TAKEN = ("action_taken", "现场处置", "Action taken")
    WATER_GONE = ("water_gone", "积水退去", "Water gone")
    CALL_OUT_CANCELLED = ("call_out_cancelled", "撤回调派", "Called back")
    INCIDENT_NOTED = ("incident_noted", "险情发生", "Incident")
    INCIDENT_REPORTED = ("incident_reported", "险情报告", "Incident reported")
    TEAM_LISTED = ("team_listed", "登记抢险队伍", "Team listed")
    SUPPLY_COUNTED = ("supply_counted", "清点防汛物资", "Supply counted")
    PLOT_ROUTE_CHOSEN = ("plot_route_chosen", "确定整改方式", "Route chosen")
    PLOT_ADVANCED = ("plot_advanced", "整改进展", "Rectification advanced")
    PLOT_ENFORCED = ("plot_enforced", "执法进展", "Enforcement advanced")
    PLOT_STEP_WITHDRAWN = ("plot_step_withdrawn", "撤回进展记录", "Step withdrawn")
