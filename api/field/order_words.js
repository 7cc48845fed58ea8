// The words of a date that is ordered, in Chinese and English.

export const ORDER_WORDS = {
  today_word: ["今天", "today"],
  limit_day: ["按规定", "by the rule"],
  limit_until: ["至 {at}", "until {at}"],
  limit_source: ["依据:{source}", "Source: {source}"],
  limit_of_severity: ["局内期限({severity})", "the bureau's limit ({severity})"],
  limit_unknown: ["手机上没有期限规定:请选日期,办公室核对", "This phone was given no limits: choose a date, the office checks it"],
  order_late: ["晚于规定期限", "Later than the rule allows"],
  order_reason: ["放宽期限的理由", "Reason for the longer time"],
  order_reason_needed: ["晚于规定期限:请写明理由", "Later than the rule allows: give the reason"],
  signature_optional: ["被检查单位签字(选填)", "Signature of the unit (optional)"],
  signature_no_room: ["手机存储已满,签字存不下:照常保存,记录注明未能存下签字", "The phone is full and cannot keep the signature: save all the same, the record says so"],
  signature_unkept: ["已签字,手机存储已满未能存下", "Signed; the full phone could not keep it"],
};
