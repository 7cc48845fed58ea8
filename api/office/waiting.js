// What has waited for more than a day: which record, what for, who can bring it; a comment's files
// that will never come are declared lost.

import { make } from "./dom.js";
import { button, field, openDialog, personName, toast, word, writeMoment } from "./parts.js";
import { sendRecord } from "./records.js";
import { pick, say } from "./words.js";

export function renderWaiting(office, rows, done) {
  if (!rows.length) return null;
  return make("article", { class: "desk waiting" },
    make("header", {}, make("div", {}, make("h2", { text: say("waiting_day", { n: rows.length }) }), make("p", { class: "muted", text: say("waiting_text") }))),
    make("ul", { class: "rows" }, ...rows.map((row) => renderRow(office, row, done))));
}

function renderRow(office, row, done) {
  const lost = row.files.filter((file) => file.can_be_lost);
  const people = [...new Set(row.files.map((file) => file.promised_by))].map((login) => personName(office.start, login));
  const facts = [personName(office.start, row.actor), writeMoment(row.recorded_at), people.length ? say("waiting_from", { who: people.join(say("separator")) }) : ""].filter(Boolean);
  const may = lost.length && office.start.person?.capacities.includes("officer");
  return make("li", {},
    make(row.code ? "a" : "div", { class: "row", href: row.code ? `#cases/${row.hazard_id}` : null },
      make("span", { class: "row-main" },
        make("span", { class: "row-title", text: `${row.code ?? say("waiting_unknown")} · ${word("event", row.type)}` }),
        make("span", { class: "row-facts", text: pick(row.reason) }),
        make("span", { class: "row-facts muted", text: facts.join(" · ") }))),
    may ? button(say("lost_declare", { n: lost.length }), () => openLost(office, row, lost, done)) : null);
}

function openLost(office, row, files, done) {
  const reason = make("textarea", { name: "reason", rows: 3, maxlength: 2000, required: true });
  const form = make("form", { class: "act-form", onsubmit: (event) => (event.preventDefault(), send()) },
    make("p", { text: say("lost_text", { n: files.length }) }),
    field(say("f_reason"), reason),
    make("div", { class: "form-foot" }, button(say("cancel"), () => opened.close(), "quiet"), make("button", { type: "submit", class: "button danger", text: say("submit") })));
  const opened = openDialog(say("lost_title", { code: row.code }), form);

  async function send() {
    try {
      const receipt = await sendRecord(office.start.person.id, {
        type: "evidence_lost",
        role: "officer",
        hazard_id: row.hazard_id,
        payload: { files: files.map((file) => file.sha256), reason: reason.value.trim() },
        evidence: [],
      });
      if (receipt.outcome === "refused") return toast(`${say("act_refused")}:${pick(receipt.reason)}`, "bad");
      opened.close();
      toast(say("act_done", { what: say("lost_title", { code: row.code }) }), "good");
      return done();
    } catch (error) {
      return toast(say("failed", { why: error.message }), "bad");
    }
  }
}
