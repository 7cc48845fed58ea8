// 值守一览表: flood points, teams, supplies and who is on duty, for a sheet of A3 on the wall.

import { ask } from "./ask.js";
import { serverTime, setClock } from "./clock.js";
import { make } from "./dom.js";
import { levelWords } from "./duty.js";
import { button, townshipName, word, writeDate, writeMoment } from "./parts.js";
import { say } from "./words.js";

const table = (keys, rows) => make("table", {}, make("thead", {}, make("tr", {}, ...keys.map((key) => make("th", { scope: "col", text: say(key) })))),
  make("tbody", {}, ...rows.map((row) => make("tr", {}, ...row.map((text) => make("td", { text: text ?? "" }))))));

export class DutySheetView {
  constructor(office) {
    this.office = office;
    this.place = make("section", { class: "slip-page duty-sheet-page" });
  }

  async open() {
    const [sheet, board] = await Promise.all([ask("/flood/sheet"), ask("/flood/duty")]);
    setClock(board.now, this.office.start.timezone);
    const tools = make("div", { class: "slip-tools" }, make("a", { class: "button quiet", href: "#duty", text: say("back") }), button(say("print"), () => print(), "primary"));
    this.place.replaceChildren(tools, this.renderSheet(sheet, board));
  }

  renderSheet({ points, teams, supplies }, board) {
    const shifts = board.shifts.filter((one) => !one.cancelled_at && Date.parse(one.ends_at) > serverTime());
    return make("article", { class: "sheet duty-sheet" },
      make("header", { class: "title-line" }, make("h1", { text: say("dutysheet") }), make("strong", { text: levelWords(board.level) || say("duty_no_level") }), make("span", { class: "muted", text: say("sheet_head", { date: writeDate(serverTime()) }) })),
      make("h2", { text: say("sheet_points", { n: points.length }) }),
      table(["sheet_number", "duty_point", "township", "sheet_risk", "sheet_place", "sheet_pump", "sheet_plan", "sheet_keeper", "duty_phone"],
        points.map((one) => [one.code, one.name, townshipName(this.office.start, one.township), word("risk", one.risk), word("place", one.place), word("flood_device", one.pump), one.plan, one.duty_leader, one.duty_phone])),
      make("div", { class: "duty-columns" },
        make("div", {}, make("h2", { text: say("duty_shifts") }), table(["duty_starts", "duty_ends", "duty_leader", "duty_phone", "duty_members"],
          shifts.map((one) => [writeMoment(one.starts_at), writeMoment(one.ends_at), one.leader, one.phone, one.members.join(say("separator"))]))),
        make("div", {}, make("h2", { text: say("duty_stocks") }), table(["duty_team", "duty_leader", "duty_phone", "duty_people", "duty_station"], teams.map((one) => [one.name, one.leader, one.phone, one.people, one.station])),
          table(["duty_name", "duty_quantity", "duty_station", "duty_keeper"], supplies.map((one) => [one.name, `${one.quantity} ${one.unit}`, one.station, [one.keeper, one.phone].filter(Boolean).join(" ")])))));
  }
}
