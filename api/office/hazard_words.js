// Words of dates ordered on the spot and of hazards the office logs, in Chinese and English.

export const HAZARD_WORDS = {
  f_order_due_on: ["现场责令期限", "Ordered on the spot until"],
  f_order_reason: ["放宽期限的理由", "Reason for the longer time"],
  f_scanned_code: ["扫描的编号", "Scanned code"],
  f_signed_by: ["签字人", "Signed by"],
  order_due: ["现场责令 {date} 前整改", "ordered on the spot until {date}"],
  photo_recompressed: ["超过 8 MB:压缩后保存,记下原图校验值和大小", "exceeds 8 MB: kept smaller, with the original's hash and size"],
  is_recompressed: ["压缩件;原图 {n} MB,SHA-256 {hash}", "Made smaller; the original had {n} MB, SHA-256 {hash}"],
};
