// Words of the page in Chinese and English, and the language in use.

const WORDS = {
  layers: ["图层", "Layers"],
  list: ["列表", "List"],
  network: ["管网", "Network"],
  search: ["搜索", "Search"],
  search_hint: ["按编号或名称查找", "Find by code or name"],
  search_none: ["没有找到", "Nothing found"],
  search_failed: ["搜索暂时不可用", "Search is not available right now"],
  close: ["关闭", "Close"],
  print: ["打印", "Print"],
  share: ["复制链接", "Copy link"],
  share_done: ["链接已复制", "Link copied"],
  share_manual: ["请复制地址栏中的链接", "Copy the link from the address bar"],
  home: ["回到全域", "Whole area"],
  other_language: ["English", "中文"],
  loading: ["正在加载…", "Loading…"],
  tiles_failed: ["部分地图数据未能加载", "Some map data could not be loaded"],
  retry: ["重试", "Retry"],
  page_failed: ["地图未能打开,请检查服务是否在运行", "The map could not be opened. Is the service running?"],
  stale: ["与服务器的连接中断,图上可能不是最新状态", "The server cannot be reached: the map may be out of date"],
  refreshed: ["地图已更新", "The map was updated"],
  as_of: ["状态日期", "State as of"],
  as_of_clear: ["今天", "Today"],
  as_of_notice: ["显示 {date} 的状态", "Showing the state on {date}"],
  count_then: ["数量为 {date} 的状态", "Counts are those of {date}"],
  counts_failed: ["该日期的数量未能加载", "The counts of that date could not be loaded"],
  attributes: ["属性", "Attributes"],
  history: ["变更历史", "History"],
  history_none: ["没有变更记录", "No earlier versions"],
  hazards: ["未销号隐患", "Open hazards"],
  hazards_none: ["没有未销号隐患", "No open hazards"],
  open_case: ["打开此隐患的办理页", "Open the case"],
  item_failed: ["详细信息未能加载", "The details could not be loaded"],
  missing: ["无数据:{names}", "No value: {names}"],
  separator: ["、", ", "],
  colon: [":", ": "],
  part_applied: ["申报", "applied"],
  part_approved: ["批复", "approved"],
  part_received: ["到位", "received"],
  part_paid: ["支付", "paid"],
  no_layers: ["尚无数据", "There are no data yet"],
  version: ["第 {n} 版", "Version {n}"],
  since: ["自 {date}", "since {date}"],
  recorded: ["{date} 由 {who} 记录", "recorded {date} by {who}"],
  recorded_on: ["{date} 记录", "recorded {date}"],
  deleted: ["已删除", "Deleted"],
  yes: ["是", "Yes"],
  no: ["否", "No"],
  of_several: ["第 {n} 个,共 {total} 个", "{n} of {total}"],
  previous: ["上一个", "Previous"],
  next: ["下一个", "Next"],
  zoom_to: ["定位到图上", "Show on the map"],
  late_days: ["超期 {n} 天", "{n} days late"],
  late_day: ["超期 1 天", "1 day late"],
  late_today: ["今日已超期", "Late since today"],
  late_legend: ["已超期", "Overdue"],
  closed_legend: ["显示已销号的", "Show closed ones"],
  due: ["期限 {date}", "due {date}"],
  in_view: ["视图内的要素", "Features in view"],
  in_view_none: ["当前视图内没有要素", "No features in this view"],
  in_view_zoom: ["放大地图后可逐个列出", "Zoom in to list single features"],
  group_worst: ["最高{level}", "worst: {level}"],
  group_closed: ["已销号 {n}", "{n} closed"],
  group_late: ["超期 {n}", "{n} late"],
  figure_open: ["未销号", "Open"],
  figure_late: ["已超期", "Overdue"],
  figure_closed: ["已销号", "Closed"],
  in_view_more: ["仅列出前 {n} 个,请放大地图", "Only the first {n} are listed: zoom in for the rest"],
  unnamed: ["(无编号)", "(no code)"],
  group_count: ["{n} 个要素", "{n} here"],
  other: ["其他", "Other"],
  zoom_in: ["放大", "Zoom in"],
  zoom_out: ["缩小", "Zoom out"],
  legend: ["图例", "Legend"],
  datum: ["坐标系 CGCS2000(EPSG:4490)", "Datum CGCS2000 (EPSG:4490)"],
  printed: ["制图时间 {date}", "Printed {date}"],
  scale: ["比例尺", "Scale"],
  map_label: ["地图:方向键平移,加减键缩放,回车查询中心点", "Map: arrow keys pan, plus and minus zoom, Enter identifies the centre"],
  skip: ["跳到地图", "Skip to the map"],
  maps: ["地图", "Maps"],
  map_progress: ["建设进度", "Progress"],
  map_hazards: ["安全隐患", "Hazards"],
  product: ["城建一张图", "Infratrack"],
  nothing_here: ["此处没有要素", "Nothing here"],
};

let language = "zh";

export function useLanguage(wanted) {
  language = wanted === "en" ? "en" : "zh";
  document.documentElement.lang = language === "en" ? "en" : "zh-CN";
}

export function currentLanguage() {
  return language;
}

export function otherLanguage() {
  return language === "en" ? "zh" : "en";
}

export function say(key, facts = {}) {
  const words = WORDS[key][language === "en" ? 1 : 0];
  return words.replace(/\{(\w+)\}/g, (_, name) => String(facts[name]));
}

export function knows(key) {
  return Object.hasOwn(WORDS, key);
}

// A {zh, en} pair from the server; a plain string passes through.
export function pick(text) {
  if (text === null || text === undefined) return "";
  return typeof text === "object" ? text[language] ?? text.zh ?? "" : String(text);
}

export function formatNumber(value) {
  return new Intl.NumberFormat(language === "en" ? "en" : "zh-CN", { maximumFractionDigits: 3 }).format(value);
}

// Short enough for a circle on the map: 1,234 -> 1.2k, 12,345 -> 1.2万.
export function formatCount(value) {
  const compact = { notation: "compact", maximumFractionDigits: 1 };
  if (value < 1000) return String(value);
  return new Intl.NumberFormat(language === "en" ? "en" : "zh-CN", value < 10000 && language === "zh" ? {} : compact).format(value);
}

export function formatDate(moment, timezone) {
  const date = moment instanceof Date ? moment : new Date(moment);
  if (Number.isNaN(date.getTime())) return String(moment);
  // sv-SE writes 2026-11-23: the order people here sort and say dates in, in both languages.
  return new Intl.DateTimeFormat("sv-SE", { timeZone: timezone, dateStyle: "short" }).format(date);
}

export function formatMoment(moment, timezone) {
  const date = moment instanceof Date ? moment : new Date(moment);
  if (Number.isNaN(date.getTime())) return String(moment);
  return new Intl.DateTimeFormat("sv-SE", { timeZone: timezone, dateStyle: "short", timeStyle: "short" }).format(date);
}
