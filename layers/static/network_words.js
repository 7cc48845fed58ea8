// Words of the network on the map, in Chinese and English: traces, profiles, condition, misconnections.

import { currentLanguage } from "./i18n.js";

const WORDS = {
  trace_up: ["上游追踪", "Upstream"],
  trace_down: ["下游追踪", "Downstream"],
  trace_both: ["上下游", "Both ways"],
  trace_isolate: ["堵塞影响", "If blocked"],
  key_of: ["{words}(快捷键 {key})", "{words} (key {key})"],
  card_title: ["管网分析", "Network"],
  profile_down: ["纵断面至排口", "Profile to the outfall"],
  profile_to: ["纵断面至另一井…", "Profile to another node…"],
  pick_second: ["请点选第二座检查井或管段", "Click a second manhole or pipe"],
  cancel: ["取消", "Cancel"],
  hint_title: ["从哪里开始?", "Where to begin"],
  hint: [
    "点选一根管段或一座检查井,再按「上游追踪」「下游追踪」;选中后也可按 U(上游)、D(下游)、B(上下游)、P(纵断面)。",
    "Click a pipe or a manhole, then Upstream or Downstream. With one selected: U upstream, D downstream, B both, P profile.",
  ],
  hint_manholes: ["显示检查井图层", "Show the manholes"],
  direction: ["方向", "Direction"],
  system: ["系统", "System"],
  system_all: ["全部系统", "All systems"],
  system_none: ["系统未知", "system unknown"],
  tracing: ["正在追踪…", "Tracing…"],
  trace_failed: ["追踪未完成", "The trace did not succeed"],
  no_pipes: ["没有管段:此处是管网的尽头", "No pipes: the network ends here"],
  pipes: ["管段", "Pipes"],
  length: ["长度", "Length"],
  people: ["上游人口", "People upstream"],
  people_note: ["{users} 个排水户;其中 {without} 个没有人口数据", "{users} drainage users, {without} of them without a number of people"],
  people_none: ["没有登记排水户", "no drainage users recorded"],
  discharge: ["日排水量 {n} m³", "{n} m³ a day"],
  diverted: ["另有 {n} 根管段({km})可改道排出", "{n} more pipes ({km}) find another way out"],
  by_system: ["按系统与管径", "By system and size"],
  size: ["管径", "Size"],
  size_missing: ["管径缺失", "size missing"],
  outfalls: ["到达的排口", "Outfalls reached"],
  outfalls_none: ["没有到达任何排口", "No outfall is reached"],
  dead_ends: ["断头(非排口的尽头)", "Dead ends (not outfalls)"],
  crossed: ["途经须注意", "Crossed on the way"],
  crossed_none: ["途经管段没有需要注意之处", "Nothing to be noted on the way"],
  crossed_planned: ["规划或设计中", "planned or designed"],
  crossed_under_construction: ["在建", "under construction"],
  crossed_abandoned: ["已废弃", "abandoned"],
  crossed_suspended: ["已停用", "suspended"],
  crossed_direction: ["流向矛盾", "flow direction in conflict"],
  crossed_no_invert: ["管底高程缺失", "invert levels missing"],
  crossed_dirty: ["拓扑待更新", "topology not settled"],
  more: ["另有 {n} 个", "{n} more"],
  no_code: ["无编号", "no code"],
  virtual: ["管段接头(无井)", "joint without a manhole"],
  clear: ["清除", "Clear"],
  zoom_to: ["缩放至结果", "Zoom to the result"],
  geojson: ["GeoJSON", "GeoJSON"],
  csv: ["CSV", "CSV"],
  print: ["打印", "Print"],
  start: ["起点", "Start"],
  legend_outfall: ["排口", "Outfall"],
  legend_dead_end: ["断头", "Dead end"],
  profile: ["纵断面", "Profile"],
  profile_loading: ["正在绘制纵断面…", "Drawing the profile…"],
  profile_failed: ["纵断面未能绘制", "The profile could not be drawn"],
  profile_table: ["数据表", "Table"],
  profile_against: ["逆水流方向", "against the flow"],
  profile_mixed: ["顺逆水流混合:此两井之间没有单一流向", "partly with and partly against the flow"],
  read_hint: ["在断面上移动以读数;方向键逐井移动", "Move over the section to read it; arrow keys go from node to node"],
  chainage: ["里程", "Chainage"],
  ground: ["地面", "Ground"],
  invert: ["管底", "Invert"],
  crown: ["管顶", "Crown"],
  cover: ["覆土", "Cover"],
  silt: ["积泥", "Silt"],
  slope: ["坡度", "Slope"],
  defects: ["缺陷", "Defects"],
  never_inspected: ["未检测", "not inspected"],
  missing: ["缺", "missing"],
  not_shown: ["不可见", "not shown"],
  levels_not_shown: ["本账号不可查看管底高程", "invert levels are not shown to this account"],
  pipe: ["管段", "Pipe"],
  node: ["井", "Node"],
  bottom: ["井底", "Bottom"],
  depth: ["埋深", "Depth"],
  overlays: ["专题", "Themes"],
  condition: ["按修复等级着色", "Colour by repair class"],
  condition_title: ["检测状况", "Condition"],
  condition_none: ["未检测或未评估", "not inspected or not graded"],
  condition_unverified: ["{standard} 的条文未核对原文", "The provisions of {standard} were not checked against the original"],
  unverified: ["未核对", "unverified"],
  not_inspected: ["没有检测记录", "No inspection recorded"],
  repair_class: ["修复等级", "Repair class"],
  maintenance_class: ["养护等级", "Maintenance class"],
  inspected: ["检测", "Inspected"],
  defects_on_map: ["图上为最近一次检测的 {n} 处缺陷", "The {n} defects of the latest run are on the map"],
  defects_unplaced: ["{n} 处无法落图(走向不明)", "{n} cannot be placed (direction not known)"],
  not_graded: ["未评估", "not graded"],
  misconnections: ["混接点", "Misconnections"],
  misconnections_none: ["没有发现混接", "None found"],
  upstream_of: ["上游 {km},{n} 根管段", "{km} upstream, {n} pipes"],
  reaches: ["排向 {codes}", "to {codes}"],
  theme_failed: ["专题数据未能加载", "The theme could not be loaded"],
  today_only: ["为当前状态", "as of now"],
  state_found: ["发现", "found"],
  state_confirmed: ["已核实", "confirmed"],
  state_planned: ["已列入计划", "in a plan"],
  state_under_reform: ["整改中", "under reform"],
  state_reformed: ["已整改", "reformed"],
  state_verified: ["已复核", "verified"],
  state_dismissed: ["非混接", "dismissed"],
};

export function tell(key, facts = {}) {
  const words = WORDS[key][currentLanguage() === "en" ? 1 : 0];
  return words.replace(/\{(\w+)\}/g, (_, name) => String(facts[name]));
}

export const hasWord = (key) => Object.hasOwn(WORDS, key);

const write = (value, most, least = 0) =>
  new Intl.NumberFormat(currentLanguage() === "en" ? "en" : "zh-CN", { maximumFractionDigits: most, minimumFractionDigits: least }).format(value);

// Metres below a kilometre, kilometres above: as a report says them.
export const writeLength = (metres) => (metres < 1000 ? `${write(metres, 0)} m` : `${write(metres / 1000, 2, 2)} km`);
export const writeCount = (count) => write(count, 0);

export function writeSize({ diameter_mm: diameter, width_mm: width, height_mm: height }) {
  if (diameter) return `DN${Math.round(diameter)}`;
  return width && height ? `${Math.round(width)}×${Math.round(height)}` : tell("size_missing");
}
