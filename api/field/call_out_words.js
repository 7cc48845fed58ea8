// Words of a call-out to a flood point, in Chinese and English.

export const CALL_OUT_WORDS = {
  call_out: ["防汛调派", "Called out"],
  call_out_at: ["{when} 调派", "called at {when}"],
  call_out_depth: ["登记水深", "Record the depth"],
  call_out_action: ["登记处置", "Record the action"],
  call_out_depth_wrong: ["水深应为 0 至 20 米", "The depth is 0 to 20 m"],
  call_out_action_needed: ["请填写处置措施", "Say what was done"],
};
