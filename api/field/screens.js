// Which screen an address names.

import { showCase } from "./case.js";
import { showCases } from "./cases.js";
import { showFix } from "./decide.js";
import { showHazard } from "./hazard.js";
import { showHelp } from "./help.js";
import { showLock, showPin } from "./lock.js";
import { showLogin } from "./login.js";
import { showMe } from "./me.js";
import { showNear } from "./near.js";
import { showOrder } from "./order.js";
import { showAsset, showScan } from "./scan.js";
import { showToday } from "./today.js";
import { showTray } from "./tray.js";
import { showVisit } from "./visit.js";

export const SCREENS = {
  today: showToday,
  login: showLogin,
  lock: showLock,
  pin: showPin,
  near: showNear,
  scan: showScan,
  asset: showAsset,
  visit: showVisit,
  hazard: showHazard,
  fix: showFix,
  order: showOrder,
  cases: showCases,
  case: showCase,
  outbox: showTray,
  me: showMe,
  help: showHelp,
};
