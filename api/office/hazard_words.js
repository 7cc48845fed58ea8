// Words of dates ordered on the spot and of hazards the office logs, in Chinese and English.

export const HAZARD_WORDS = {
  log_hazard: ["登记隐患", "Log a hazard"],
  log_item_hint: ["选了检查项,等级由它确定", "Where an item is chosen, it sets the severity"],
  log_severity_hint: ["不选为一般隐患B,登记时可改", "Without one it is general B until it is registered"],
  log_other_item: ["检查项不属于所选类别", "the item is of another category"],
  log_code: ["设施编号", "Code of the asset"],
  log_code_hint: ["设施编号和坐标至少填一项", "The code of an asset, or a place"],
  log_place: ["经度, 纬度", "Longitude, latitude"],
  log_place_hint: ["例:99.16012, 25.11987,可从地图上读取", "e.g. 99.16012, 25.11987, as the map shows it"],
  log_no_asset: ["没有编号为 {code} 的设施", "no asset of the code {code}"],
  log_no_place: ["坐标有误", "the place is wrong"],
  log_where: ["请填写设施编号或坐标", "give the code of an asset, or a place"],
  f_order_due_on: ["现场责令期限", "Ordered on the spot until"],
  f_order_reason: ["放宽期限的理由", "Reason for the longer time"],
  f_scanned_code: ["扫描的编号", "Scanned code"],
  f_signed_by: ["签字人", "Signed by"],
  ordered_until: ["现场责令 {date} 前整改", "ordered on the spot until {date}"],
  photo_recompressed: ["超过 8 MB:压缩后保存,记下原图校验值和大小", "exceeds 8 MB: kept smaller, with the original's hash and size"],
  is_recompressed: ["压缩件;原图 {n} MB,SHA-256 {hash}", "Made smaller; the original had {n} MB, SHA-256 {hash}"],
};
