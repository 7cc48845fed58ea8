"""Why a coverage analysis refuses what it was given, and what to do, in both languages."""

from __future__ import annotations

from gis.attributes import Text
from gis.errors import InputError

_REASONS: dict[str, Text] = {
    "rows": Text(
        zh="{name}没有任何记录:请先导入该图层,或检查筛选条件与分析范围",
        en="{name} has no rows: import the layer first, or check the filter and the area",
    ),
    "column": Text(
        zh="{name}缺少字段 {column}:请补上该字段或在导入时建立对应关系",
        en="{name} lacks the column {column}: add it, or map it when importing",
    ),
    "crs": Text(
        zh="{name}的坐标系须为投影坐标(米),现为 {crs}:请先转换到所在三度带",
        en="{name} must be in a projected CRS in metres, not {crs}: project it to its zone",
    ),
    "crs_differs": Text(
        zh="{name}的坐标系 {crs} 与其他图层({other})不同:请先统一坐标系",
        en="{name} is in {crs}, the other layers in {other}: bring them to one CRS first",
    ),
    "geometry": Text(
        zh="{name}有 {count} 条记录几何为空或无效(如第 {row} 行):请修正或剔除后重算",
        en="{name}: {count} rows have an empty or invalid geometry (row {row}): correct them",
    ),
    "radius": Text(
        zh="服务半径须为大于 0 的有限米数,现为 {radius}:请在规则集中改正",
        en="a service radius must be a finite number of metres above 0, not {radius}:"
        " correct the rule set",
    ),
    "positive": Text(
        zh="{name}须为大于 0 的有限数,现为 {value}:请改正后重算",
        en="{name} must be a finite number above 0, not {value}: correct it",
    ),
    "negative": Text(
        zh="{name}有 {count} 条记录为负或无穷(如第 {row} 行):缺数据请留空,不要填 -1",
        en="{name}: {count} rows are negative or infinite (row {row}):"
        " leave unknown values empty, never -1",
    ),
    "no_people": Text(
        zh="分析范围内没有人口数据:请导入人口图层(普查单元或住宅),或改用用地口径",
        en="no people are known in the area: import the population layer, or use the land rate",
    ),
    "no_land": Text(
        zh="分析范围内没有居住用地:请导入居住用地图层,或检查建成区范围",
        en="no residential land lies in the area: import it, or check the built-up area",
    ),
    "no_network": Text(
        zh="没有可通行的道路:请导入道路中心线,或检查通行方式与封闭标记",
        en="no passable road is left: import centre lines, or check mode and closures",
    ),
    "no_entry": Text(
        zh="没有一处{name}能在 {limit} 米内接上路网:请补全道路、增加出入口或放宽接入距离",
        en="none of the {name} reaches the network within {limit} m: complete the roads,"
        " add entrances, or allow a longer snap",
    ),
    "facilities_outside": Text(
        zh="全部设施都在分析范围及其外扩 {halo} 米以外:请检查坐标系,或换成本区设施",
        en="every facility is farther than {halo} m outside the area: check the CRS,"
        " or give this area's facilities",
    ),
    "overlap": Text(
        zh="{name}有 {count} 对图斑互相重叠(如第 {row} 与 {other} 行,共 {area} 平方米),"
        "会重复计算:请先消除重叠",
        en="{name}: {count} pairs overlap (rows {row} and {other}, {area} m² in all) and would"
        " count twice: remove the overlaps first",
    ),
    "classes": Text(
        zh="规则集的设施级别互相重叠或顺序有误({first} 与 {second}):每种规模只能属于一级",
        en="the classes {first} and {second} overlap: a size may be of one class only",
    ),
    "ruleset": Text(
        zh="规则集有误:{reason}。请对照 gis/coverage/data 中的样例改正",
        en="the rule set is wrong: {reason}. Compare it with those in gis/coverage/data",
    ),
    "candidates": Text(
        zh="候选点 {count} 个,上限 {limit}:请先按用地、间距或网格(如 200 米)筛选候选点",
        en="{count} candidates, the limit is {limit}: thin them first, by land, spacing or a grid"
        " (200 m, say)",
    ),
    "pairs": Text(
        zh="可达的候选-需求对过多({count},上限 {limit}):请减小半径、合并需求点或分乡镇计算",
        en="{count} pairs of candidate and demand in reach, the limit is {limit}: take a smaller"
        " radius, merge demand, or solve by township",
    ),
    "cells": Text(
        zh="网格过密({count} 个,上限 {limit}):请加大网格边长",
        en="{count} cells, the limit is {limit}: take larger cells",
    ),
    "period": Text(
        zh="时段颠倒:止于 {end},早于起始 {begin};请对调后重算",
        en="the period is reversed: it ends on {end}, before it begins on {begin}; exchange them",
    ),
    "date": Text(
        zh="启用或停用日期须为日期,现为 {value}:请先转换为日期",
        en="opening and closing days must be dates, not {value}: turn them into dates first",
    ),
    "sites": Text(
        zh="新建数量须为 1 至候选点数({limit})之间的整数,现为 {count}",
        en="the number of new sites must be between 1 and the {limit} candidates, not {count}",
    ),
    "fraction": Text(
        zh="{name}须在 0 与 1 之间,现为 {value}",
        en="{name} must lie between 0 and 1, not {value}",
    ),
    "floor": Text(
        zh="在 {sites} 处新点内,各乡镇 {floor} 的保底无法同时满足:请增加点数、降低保底或补充候选点",
        en="no choice of {sites} sites gives every township {floor}: allow more sites,"
        " lower the floor, or add candidates",
    ),
    "time_limit": Text(
        zh="在 {seconds} 秒内未找到满足保底的方案:请延长时限或减少候选点",
        en="no plan that keeps the floor was found in {seconds} s: allow more time or thin the"
        " candidates",
    ),
    "lengths": Text(
        zh="{name}应有 {wanted} 个值,现有 {count} 个:请按同一批记录重新准备",
        en="{name} needs {wanted} values and has {count}: prepare it from the same rows",
    ),
    "ids": Text(
        zh="{name}的编号 {value} 重复或缺失:每条记录须有唯一编号",
        en="{name}: the id {value} is missing or occurs twice: every row needs an id of its own",
    ),
    "facility": Text(
        zh="{name}所属设施 {value} 不在设施图层中:请改正所属设施编号",
        en="{name}: the facility {value} is not among the facilities: correct that column",
    ),
    "unit": Text(
        zh="{name}的人口单元编号 {value} 不存在:请检查所属单元字段",
        en="{name} names the unit {value}, which does not exist: check that column",
    ),
    "range": Text(
        zh="{name}的下限 {low} 大于上限 {high},或不是正数:请改正",
        en="{name}: {low} to {high} is no range of positive numbers: correct it",
    ),
}


def refuse(rule: str, **facts: object) -> InputError:
    """An InputError by the rule's id, its facts attached.

    >>> refuse("radius", radius=0).facts["rule"]
    'radius'
    """
    return InputError(_REASONS[rule].format(**facts), rule=rule, **facts)


def rules() -> dict[str, Text]:
    """Every reason by its id, its places for facts unfilled."""
    return dict(_REASONS)
