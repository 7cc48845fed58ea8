// 同步完整性: how many of the numbers that devices gave their records have arrived, and which have not.

import { make } from "./dom.js";
import { writeShare } from "./figure_tables.js";
import { personName, writeMoment } from "./parts.js";
import { say } from "./words.js";

const writeRange = ([first, last]) => (first === last ? `${first}` : `${first}–${last}`);

export function renderSync(answer, start) {
  const whole = answer.gaps.length === 0;
  const ratio = `${answer.received} / ${answer.highest}`;
  return make("section", { class: "panel sync" },
    make("h2", { text: say("sync") }),
    make("p", {}, make("strong", { class: "value", text: answer.share === null ? "—" : writeShare(answer.share) }), make("span", { class: "muted", text: ` ${ratio} · ${say("sync_devices", { n: answer.devices })}` }),
      whole && answer.devices ? make("span", { class: "good", text: ` ✓ ${say("sync_whole")}` }) : null),
    whole ? null : make("div", { class: "scroll" }, make("table", {},
      make("thead", {}, make("tr", {}, ...["sync_person", "sync_device", "sync_ratio", "sync_missing", "sync_last"].map((key) => make("th", { scope: "col", text: say(key) })))),
      make("tbody", {}, ...answer.gaps.map((gap) => make("tr", {},
        make("th", { scope: "row", text: gap.people.map((login) => personName(start, login)).join(say("separator")) }),
        make("td", { class: "muted", title: gap.device_id, text: gap.device_id.slice(0, 8) }),
        make("td", { class: "number", text: `${gap.received} / ${gap.highest}` }),
        make("td", { text: gap.missing.map(writeRange).join(say("separator")) }),
        make("td", { text: writeMoment(gap.last_at) })))))),
    answer.chain_broken.length ? make("ul", { class: "late" }, ...answer.chain_broken.map((chain) => make("li", { title: chain.device_id,
      text: say("sync_broken", { who: chain.people.map((login) => personName(start, login)).join(say("separator")), device: chain.device_id.slice(0, 8), n: chain.count, numbers: chain.numbers.join(say("separator")) }) }))) : null,
    answer.daily_root ? make("p", { class: "muted table-note" }, make("span", { text: say("sync_root", { day: answer.daily_root.day }) }), " ", make("code", { text: answer.daily_root.hash })) : null,
    make("p", { class: "muted table-note", text: say("sync_note") }));
}
