// The words of the app in Chinese and English, and the language in use.

import { CALL_OUT_WORDS } from "./call_out_words.js";
import { ELSEWHERE_WORDS } from "./elsewhere_words.js";
import { LOCK_WORDS } from "./lock_words.js";
import { ORDER_WORDS } from "./order_words.js";
import { OUTBOX_WORDS } from "./outbox_words.js";

const WORDS = {
  ...CALL_OUT_WORDS,
  ...ELSEWHERE_WORDS,
  ...LOCK_WORDS,
  ...ORDER_WORDS,
  ...OUTBOX_WORDS,
  app: ["城建外业", "Infratrack field"],
  other_language: ["English", "中文"],
  language: ["语言 Language", "Language 语言"],
  back: ["返回", "Back"],
  close: ["关闭", "Close"],
  cancel: ["取消", "Cancel"],
  separator: ["、", ", "],
  // Frame
  tab_today: ["今日", "Today"],
  tab_hazards: ["隐患", "Hazards"],
  tab_scan: ["扫码", "Scan"],
  tab_outbox: ["待发", "Outbox"],
  tab_me: ["我的", "Me"],
  received_sentence: ["服务器已收到 {total} 条中的 {n} 条", "{n} of {total} received"],
  update_ready: ["新版本已就绪", "A new version is ready"],
  update_now: ["更新", "Update"],
  login_banner: ["{name} 的登录已失效,记录都在手机里,登录后发送", "{name}'s login has ended. Records are kept: log in again to send"],
  login_again: ["重新登录", "Log in again"],
  old_banner: ["有记录已 {n} 天未发出", "Records have waited {n} days"],
  full_banner: ["手机存储快满了:请尽快联网发送或清理手机", "The phone's storage is nearly full: send soon or free some space"],
  attention_banner: ["{n} 条记录需要处理", "{n} records need attention"],
  refused_banner: ["{n} 条被服务器退回,请查看原因", "{n} refused by the server: see why"],
  look: ["查看", "Look"],
  why_no_https: ["此地址不是 HTTPS:没有信号时打不开本页,也不能自动定位", "This address is not HTTPS: the page cannot open without a signal, nor find its position"],
  why_no_worker: ["此浏览器不能离线打开本页", "This browser cannot open the page without a signal"],
  why_no_database: ["此浏览器不能保存记录:填完须立即发送", "This browser keeps nothing: send each record at once"],
  why_embedded: ["正在微信、钉钉等应用内打开,记录可能被清除", "Opened inside another app, which may delete records"],
  open_in_browser: ["请点右上角“…”,选择“在浏览器打开”", "Open the menu (…) and choose “Open in browser”"],
  // Login
  login_title: ["登录", "Log in"],
  login_lead: ["只需联网登录一次,之后没有信号也能记录", "Log in once with a signal; after that recording needs none"],
  login_name: ["账号", "Login"],
  login_password: ["密码", "Password"],
  login_second: ["动态码", "Code"],
  login_second_hint: ["身份验证器上的 6 位数字,或一个恢复码", "6 digits of your authenticator, or a recovery code"],
  login_new_password: ["新密码", "New password"],
  login_new_hint: ["至少 8 个字符,不能全是数字,不能含账号", "8 characters or more, not digits only, without the login"],
  login_code: ["登记码", "Enrolment code"],
  login_code_hint: ["由办公室发给你,可扫二维码", "From the office; its QR code can be scanned"],
  login_by_code: ["用登记码登录", "Use an enrolment code"],
  login_by_password: ["用账号密码登录", "Use login and password"],
  login_offline: ["现在连不上服务器:首次登录需要网络", "The server cannot be reached: the first login needs a signal"],
  login_refused: ["账号或密码不正确", "Login or password is wrong"],
  // Today
  to_go: ["还剩 {n} 处", "{n} to go"],
  all_done: ["今天的都完成了", "All done for today"],
  no_tasks: ["今天没有任务", "No tasks today"],
  no_tasks_hint: ["遇到隐患仍可随时记录", "A hazard can be recorded at any time"],
  no_day: ["还没有取到今天的任务", "Today's tasks have not arrived yet"],
  done_today: ["已完成 {n} 处", "{n} done"],
  as_list: ["列表", "List"],
  as_map: ["地图", "Map"],
  go_on: ["继续", "Go on"],
  unfinished: ["未完成的检查", "Unfinished visit"],
  somewhere: ["就近选择 / 其他地点", "Nearby or somewhere else"],
  due: ["期限 {date}", "due {date}"],
  due_today: ["今天到期", "due today"],
  open_here: ["未销号 {n}", "{n} open"],
  distance_m: ["{n} 米", "{n} m"],
  distance_km: ["{n} 公里", "{n} km"],
  unnamed: ["(无名称)", "(no name)"],
  fetched: ["{date} 更新", "as of {date}"],
  refresh: ["更新任务", "Fetch tasks"],
  map_label: ["今日设施地图", "Map of today's assets"],
  map_hint: ["点选设施开始检查", "Tap an asset to begin"],
  map_place: ["点选位置", "Tap the place"],
  map_place_hint: ["在图上点一下隐患所在位置", "Tap where the hazard is"],
  map_use: ["使用此位置", "Use this place"],
  // Near and scan
  near_title: ["我在哪一处?", "Where am I?"],
  near_none: ["{n} 米范围内没有今天的设施", "None of today's assets within {n} m"],
  near_ambiguous: ["有几处都在定位误差之内:请确认是哪一处,或扫码", "Several lie within the error of the position: choose the right one, or scan its code"],
  near_nearest: ["最近", "nearest"],
  near_other: ["都不是:附近无设施", "None of these: no asset nearby"],
  near_category: ["检查类别", "Kind of check"],
  near_all: ["全部", "All"],
  position_searching: ["正在定位…", "Finding the position…"],
  position_searching_m: ["定位中,误差 {n} 米", "Improving: ±{n} m"],
  position_found: ["定位误差 {n} 米", "Position ±{n} m"],
  position_failed: ["没有定位", "No position"],
  position_denied: ["未允许定位:可在地图上点选", "Positioning is not allowed: tap the map instead"],
  position_impossible: ["此地址不能自动定位:可在地图上点选", "No positioning at this address: tap the map instead"],
  position_tapped: ["位置由地图点选", "Place tapped on the map"],
  position_asset: ["以设施位置为准", "The asset's place is used"],
  position_again: ["重新定位", "Again"],
  scan_title: ["扫设施二维码", "Scan the asset's code"],
  scan_login_title: ["扫登记码", "Scan the enrolment code"],
  scan_hint: ["把二维码放进框内", "Hold the code in the frame"],
  scan_no_camera: ["不能使用相机:请输入编号", "The camera cannot be used: type the code"],
  scan_typed: ["或输入编号(含末位校验码)", "Or type the code, with its last character"],
  scan_use: ["确定", "Go"],
  scan_unknown: ["今天的设施里没有“{code}”", "“{code}” is not among today's assets"],
  scan_not_today: ["“{code}”编号正确,但不在今天的设施里", "“{code}” is a right code, but none of today's assets"],
  scan_wrong_check: ["“{code}”校验码不符:有一位输错了,请对照标签重新输入或扫码", "The check character of “{code}” does not fit: a character is mistyped. Type it again from the label, or scan it"],
  scan_several: ["有几处设施都符合“{code}”:请选择", "Several assets fit “{code}”: choose one"],
  // Visit
  open_hazards_here: ["此处未销号的隐患", "Open hazards here"],
  add_to_it: ["补充", "Add to it"],
  checklist: ["检查项", "Checklist"],
  pass: ["合格", "OK"],
  fail: ["不合格", "Fails"],
  na: ["不适用", "N/A"],
  rest_pass: ["其余全部合格", "All others are OK"],
  item_recorded: ["已记录", "Recorded"],
  item_unfinished: ["未完成", "Unfinished"],
  other_hazard: ["清单以外的隐患", "A hazard not on the list"],
  no_form: ["此类别没有检查表,可直接记录隐患", "No checklist for this kind: record hazards directly"],
  unverified: ["依据待核实", "source not verified"],
  no_entry: ["到访不遇", "No entry"],
  no_entry_hint: ["无人或拒绝进入,单独统计,不算合格", "Nobody there or not let in: counted apart, never as a pass"],
  dry: ["无积水", "Dry round"],
  visit_kind: ["检查情况", "What happened"],
  inspected: ["已检查", "Inspected"],
  team: ["检查组(两人及以上)", "Team (two or more)"],
  team_add: ["添加姓名", "Add a name"],
  team_needed: ["检查组至少两人", "The team is two people or more"],
  remove_name: ["移除 {name}", "Remove {name}"],
  origin: ["发现来源", "Found by"],
  joint: ["联合检查部门", "Joint departments"],
  joint_hint: ["多个部门用顿号隔开", "Separate several with commas"],
  accompanied: ["陪同人员", "Accompanied by"],
  note: ["说明", "Note"],
  flood_depth: ["积水深度(米)", "Depth of water (m)"],
  flood_level: ["响应级别", "Response level"],
  flood_action: ["处置措施", "Action taken"],
  flood_called: ["接到通知", "Called out at"],
  flood_arrived: ["到达时间", "Arrived at"],
  items_no_type: ["此处没有登记场所类型,显示全部检查项", "The type of this site is not on record: all items are shown"],
  items_others: ["按场所类型显示 {n} 项 · 显示其余 {rest} 项", "{n} items for this type of site · show the other {rest}"],
  find_item: ["查找检查项", "Find an item"],
  limit: ["规定期限:{words}", "Limit: {words}"],
  control: ["{n} 小时内先控制", "make safe within {n} h"],
  flood_gone: ["退水时间", "Water gone at"],
  finish_visit: ["完成检查", "Finish the visit"],
  finish_open: ["还有 {n} 项未勾选", "{n} items are not ticked"],
  finish_draft: ["有一条隐患还没有保存", "A hazard is not saved yet"],
  visit_saved: ["检查已记录", "The visit is recorded"],
  drop_visit: ["放弃这次检查", "Discard this visit"],
  drop_title: ["放弃这次检查?", "Discard this visit?"],
  drop_text: ["未保存的勾选和照片会被删除;已记录的隐患不受影响", "Ticks and photos not saved are deleted; recorded hazards stay"],
  drop_yes: ["放弃", "Discard"],
  // Hazard
  hazard_title: ["隐患", "Hazard"],
  same_open: ["此处同一问题已有未销号的隐患", "The same is already open here"],
  same_open_text: ["{code}:补充照片和说明,不必重复立项", "{code}: add photos and a note instead of a second case"],
  record_anyway: ["仍作为新隐患记录", "Record as a new one anyway"],
  severity_by_office: ["等级由办公室确定", "the office decides the severity"],
  severity_from_item: ["由检查项确定", "set by the item"],
  photos: ["照片", "Photos"],
  photo_before_wide: ["全景", "Wide"],
  photo_before_close: ["近景", "Close"],
  photo_after: ["整改后", "After"],
  photo_reinspection: ["复查", "Re-inspection"],
  photo_interim: ["临时管控", "Interim control"],
  photo_other: ["现场", "Photo"],
  photo_retake: ["重拍", "Retake"],
  photo_needed: ["请先拍{names}照片", "Take these photos first: {names}"],
  photo_too_large: ["照片超过 {n} MB,本机又不能把它压缩:请把相机设为 JPEG 或把照片尺寸调小一档再拍", "The photo exceeds {n} MB and cannot be made smaller here: set the camera to JPEG or to a smaller picture and take it again"],
  photo_recompressed: ["照片 {n} MB,超过 8 MB:已压缩后保存,原图的校验值和大小记入记录。请在相机里保留原图", "The photo of {n} MB exceeds 8 MB: kept smaller, with the hash and size of the original in the record. Keep the original in the camera"],
  photo_wrong_type: ["这不是照片(JPEG、PNG、WebP 或 HEIC)", "This is not a photo (JPEG, PNG, WebP or HEIC)"],
  photo_empty: ["相机没有给出照片,请重拍", "The camera gave no photo: take it again"],
  photo_no_room: ["手机存储已满,这张照片存不下。请联网发送或清理手机后重拍;文字记录仍可保存", "The phone is full: this photo could not be kept. Send or free some space and take it again; the record itself can still be saved"],
  copy_no_room: ["手机存储已满:原片已保存,水印副本存不下。请联网发送或清理手机", "The phone is full: the original photo is kept, its watermarked copy found no room. Send or free some space"],
  photo_no_preview: ["原片已保存,本机不能预览", "Original kept; no preview on this phone"],
  photo_undrawn: ["原片已原样保存,但手机和办公页面都不能预览(HEIC?),也没有水印副本:由办公室下载原片查看。建议相机改存 JPEG", "The original is kept, but has no preview here or in the office (HEIC?) and no watermarked copy: the office downloads it to see it. Better set the camera to JPEG"],
  description: ["描述", "Description"],
  description_hint: ["哪里、什么问题", "Where, and what is wrong"],
  fixed_now: ["当场整改", "Fixed on the spot"],
  order_by_date: ["限期整改", "Order by a date"],
  fix_title: ["当场整改", "Fixed on the spot"],
  order_title: ["限期整改", "Order by a date"],
  signed: ["单位签字", "Unit signs"],
  refused: ["拒绝签字", "Refuses to sign"],
  signature_of: ["被检查单位签字", "Signature of the unit"],
  signature_here: ["请在框内签名", "Sign in the frame"],
  signature_clear: ["重签", "Clear"],
  signer: ["签字人", "Name of the signer"],
  signer_optional: ["签字人(选填)", "Name of the signer (optional)"],
  refusal_reason: ["拒签理由", "Reason for refusing"],
  signature_needed: ["需要签字,或记录拒签理由", "A signature is needed, or the reason for refusing"],
  due_on: ["整改期限", "To be fixed by"],
  in_days: ["{n} 天", "{n} d"],
  save_hazard: ["保存隐患", "Save the hazard"],
  hazard_saved: ["隐患 {code} 已记录", "Hazard {code} is recorded"],
  place_needed: ["需要位置:请在地图上点选", "A place is needed: tap the map"],
  saved_waiting: ["已存入手机,有信号时自动发送", "Kept on this phone; it goes when there is a signal"],
  save_failed: ["手机已满,记录没有存入:请立即保存为文件", "The phone is full and the record could not be kept: save it as a file now"],
  save_as_file: ["保存为文件", "Save as a file"],
  other_item: ["其他", "Other"],
  // Cases
  cases_title: ["未销号隐患", "Open hazards"],
  cases_none: ["没有未销号的隐患", "No open hazards"],
  cases_mine: ["可办理", "You can act"],
  cases_other: ["仅查看", "To look at"],
  just_waiting: ["今天记录,等待发送", "Recorded today, waiting to be sent"],
  just_received: ["服务器已收到", "received by the server"],
  asset: ["设施", "Asset"],
  actions: ["办理", "Act"],
  act_waiting: ["已记录“{what}”,等待服务器确认", "“{what}” is recorded and waits for the server"],
  act_refused: ["服务器退回“{what}”", "“{what}” was refused"],
  act_save: ["保存", "Save"],
  act_saved: ["“{what}”已记录", "“{what}” is recorded"],
  reason: ["理由", "Reason"],
  reason_needed: ["请写明理由", "Give the reason"],
  something_needed: ["请写说明或拍照", "Add a note or a photo"],
  late: ["已超期 {n} 天", "{n} days late"],
  // Me
  me_title: ["我的", "Me"],
  switch_person: ["换人使用", "Another person"],
  switch_hint: ["记录始终算在记录人名下;未发完的记录仍会发出", "Records stay under who made them; what waits is still sent"],
  storage: ["存储", "Storage"],
  storage_used: ["已用 {used},可用 {quota}", "{used} of {quota} used"],
  storage_kept: ["系统不会自动清除", "protected from clean-up"],
  storage_loose: ["系统可能清除:请把本页添加到主屏幕", "may be cleaned up: add this page to the home screen"],
  protect: ["保护记录", "Protect"],
  install: ["添加到主屏幕", "Add to home screen"],
  install_hint: ["用浏览器菜单里的“添加到主屏幕”", "Use “Add to home screen” in the browser's menu"],
  wipe_rule: ["当天资料每次更新时替换;{n} 天没有联系且无待发记录时自动清除", "The day's data is replaced at each update, and wiped after {n} days without contact once nothing waits"],
  build: ["版本 {build}", "Build {build}"],
  wiped: ["很久没有联系,手机里的资料已按规定清除", "After long without contact the data on this phone was wiped, as the rule says"],
  help: ["使用说明和新功能", "Help and what is new"],
  whats_new: ["新功能", "New"],
  // Plain form
  plain_title: ["在线填报", "Online form"],
  plain_send: ["发送", "Send"],
  plain_sent: ["服务器已收到 {code}", "Received: {code}"],
  plain_failed: ["没有发出:请保持本页打开,重试", "Not sent: keep this page open and try again"],
  watermark_by: ["检查人 {name}", "by {name}"],
  place_unknown: ["无定位", "no position"],
};

let language = "zh";

export function useLanguage(wanted) {
  language = wanted === "en" ? "en" : "zh";
  document.documentElement.lang = language === "en" ? "en" : "zh-CN";
}

export const currentLanguage = () => language;
export const otherLanguage = () => (language === "en" ? "zh" : "en");

export function say(key, facts = {}) {
  const words = WORDS[key]?.[language === "en" ? 1 : 0] ?? key;
  return words.replace(/\{(\w+)\}/g, (_, name) => String(facts[name]));
}

// A {zh, en} pair from the server; a plain string passes through.
export function pick(text) {
  if (text === null || text === undefined) return "";
  return typeof text === "object" ? String(text[language] ?? text.zh ?? "") : String(text);
}

// 2026-11-23: the order people here say dates in, in both languages; the phone's own clock.
export function formatDate(moment) {
  const date = new Date(moment);
  return Number.isNaN(date.getTime()) ? String(moment ?? "") : new Intl.DateTimeFormat("sv-SE", { dateStyle: "short" }).format(date);
}

export function formatMoment(moment) {
  const date = new Date(moment);
  return Number.isNaN(date.getTime()) ? String(moment ?? "") : new Intl.DateTimeFormat("sv-SE", { dateStyle: "short", timeStyle: "short" }).format(date);
}

// The time of today, else the day: short enough to stay on a line.
export function formatWhen(moment) {
  const [day, time] = formatMoment(moment).split(" ");
  return day === formatDate(Date.now()) ? time : day;
}

export function formatBytes(bytes) {
  const [n, unit] = bytes >= 1e9 ? [bytes / 1e9, "GB"] : bytes >= 1e6 ? [bytes / 1e6, "MB"] : [bytes / 1e3, "kB"];
  return `${n >= 10 ? Math.round(n) : Math.round(n * 10) / 10} ${unit}`;
}

export function formatDistance(metres) {
  return metres < 950 ? say("distance_m", { n: Math.round(metres) }) : say("distance_km", { n: (metres / 1000).toFixed(1) });
}
