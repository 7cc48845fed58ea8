// The desilting ledger: jobs, what needs a look with its calculation, replies, a table taken in.

import { ask } from "./ask.js";
import { serverTime } from "./clock.js";
import { make } from "./dom.js";
import { button, complain, field, moveAlong, openDialog, select, toast, townshipName, writeDate, writeMoment } from "./parts.js";
import { pick, say } from "./words.js";

const writeM3 = (m3) => (m3 === null || m3 === undefined ? "–" : Number(m3).toFixed(2));

export class JobsView {
  constructor(office) {
    this.office = office;
    this.list = make("ul", { class: "rows case-rows" });
    this.side = make("div", { class: "case-side" });
    this.tools_ = make("div", { class: "filters" });
    this.sums = make("p", { class: "muted works-sums" });
    moveAlong(this.list);
    this.place = make("div", { class: "cases works-ledger" }, make("div", { class: "case-list" }, this.tools_, this.sums, this.list), this.side);
  }

  tools() {
    if (!this.office.may("record_desilting")) return [];
    const file = make("input", { type: "file", accept: ".xlsx,.xls,.csv", hidden: true, onchange: () => this.takeIn(file) });
    return [file, button(say("works_import"), () => file.click())];
  }

  async open(body, asked, identifier) {
    this.asked = asked;
    const query = new URLSearchParams([...asked].filter(([name]) => ["flag", "state", "unit"].includes(name)));
    const [found, one] = await Promise.all([ask(`/desilting?${query}&limit=200`), identifier ? ask(`/desilting/${encodeURIComponent(identifier)}`) : null]);
    if (this.asked !== asked) return;
    this.current = identifier;
    this.cursor = found.cursor;
    this.query = query;
    if (body.firstChild !== this.place) body.replaceChildren(this.place);
    this.place.classList.toggle("has-case", Boolean(identifier));
    this.renderFilters(found.rules);
    const { sums } = found;
    this.sums.textContent = say("works_sums", { jobs: sums.jobs, m3: writeM3(sums.volume_m3 ?? 0), flagged: sums.flagged, flagged_m3: writeM3(sums.flagged_m3 ?? 0) });
    this.list.replaceChildren(...(found.jobs.length ? found.jobs.map((job) => this.renderRow(job)) : [make("li", { class: "empty", text: say("works_none") })]), this.renderMore());
    const back = make("a", { class: "button quiet case-back", href: this.address(""), text: `‹ ${say("back")}` });
    this.side.replaceChildren(...(one ? [back, this.renderJob(one)] : [make("p", { class: "empty", text: say("works_choose") })]));
  }

  address(identifier) {
    return `#works/${identifier || "jobs"}${this.query.toString() ? `?${this.query}` : ""}`;
  }

  renderFilters(rules) {
    const flags = [["", say("all")], ["any", say("works_flag_any")], ["none", say("works_flag_none")], ...Object.entries(rules.flags).map(([name, words]) => [name, pick(words)])];
    const states = [["", say("all")], ["completed", say("works_completed")], ["under_way", say("works_under_way")]];
    const change = (name) => (event) => {
      event.target.value ? this.query.set(name, event.target.value) : this.query.delete(name);
      location.hash = this.address("");
    };
    const control = (name, word, options) => make("label", { class: "filter" }, make("span", { text: say(word) }), select(name, options, this.query.get(name), change(name)));
    this.tools_.replaceChildren(control("flag", "works_flag", flags), control("state", "works_state", states));
  }

  renderRow(job) {
    const facts = [job.pipe_code, job.unit, job.done_on ? `${job.began_on} – ${job.done_on}` : `${job.began_on} –`, townshipName(this.office.start, job.township)];
    const marks = job.flags.map((flag) => make("span", { class: `chip flag-${flag.severity}`, text: pick(flag.title) }));
    return make("li", {}, make("a", { class: "row", href: this.address(job.id), "aria-current": job.id === this.current ? "true" : null },
      make("span", { class: "row-main" },
        make("span", { class: "row-title", text: job.number ?? job.pipe_code ?? "" }),
        make("span", { class: "row-facts muted", text: facts.filter(Boolean).join(" · ") }), marks.length ? make("span", { class: "flag-line" }, ...marks) : null),
      make("span", { class: "row-due" }, make("strong", { text: job.volume_m3 === null ? "–" : `${writeM3(job.volume_m3)} m³` }), make("span", { class: "muted", text: `${job.length_m} m` }))));
  }

  renderMore() {
    if (!this.cursor) return "";
    const more = make("li", {}, button(say("works_more"), () => this.office.keep(async () => {
      const found = await ask(`/desilting?${this.query}&limit=200&cursor=${encodeURIComponent(this.cursor)}`);
      this.cursor = found.cursor;
      more.replaceWith(...found.jobs.map((job) => this.renderRow(job)), this.renderMore());
    })));
    return more;
  }

  renderJob({ rules, id, job, versions, replies }) {
    const last = versions[0];
    const part = (title, ...content) => make("section", { class: "panel" }, make("h2", { text: title }), ...content);
    return make("article", { class: "case-detail works-job" },
      make("h1", { text: job?.number ?? last.number ?? job?.pipe_code ?? id }),
      job ? this.renderFacts(job, rules) : make("p", { class: "note", text: say("works_withdrawn") }),
      ...(job ? [part(say("works_flag"), ...this.renderFlags(job))] : []),
      part(say("works_replies"), ...this.renderReplies(replies), this.office.may("record_desilting") && job ? button(say("works_reply"), () => this.openReply(id, job), "primary", { "data-open": "reply" }) : ""),
      versions.length > 1 ? part(say("works_versions"), make("ul", { class: "timeline" }, ...versions.map((one) => make("li", {},
        make("span", { class: "muted", text: say("works_version", { n: one.version, who: one.recorded_by, when: writeMoment(one.recorded_at) }) }),
        make("span", { text: [one.claimed === null ? "" : `${one.claimed} ${one.basis}`, `${one.length_m} m`, one.reason].filter(Boolean).join(" · ") }))))) : "");
  }

  renderFacts(job, rules) {
    const how = rules.conversion[job.basis];
    const claim = job.claimed === null ? "–" : `${job.claimed} · ${pick(how.title)}`;
    const converted = job.claimed === null ? "–" : `${writeM3(job.volume_m3)} m³  ${say("works_conversion", { factor: job.factor, how: pick(how.how), version: job.rule_version })}`;
    const facts = [
      ["works_pipe", [job.pipe_code, job.road].filter(Boolean).join(" · ")], ["works_unit", job.unit],
      ["works_day", `${job.began_on} – ${job.done_on ?? say("works_under_way")}`],
      ["works_length", job.length_m], ["works_pipe_length", job.pipe_length_m ?? "–"], ["works_claim", claim], ["works_converted", converted],
      ["works_evidence", `${say("works_before")} ${job.before_sha256.length} · ${say("works_after")} ${job.after_sha256.length}`], ["note", job.note],
    ];
    return make("section", { class: "panel" }, make("dl", { class: "facts" }, ...facts.filter(([, value]) => value !== null && value !== "").flatMap(([name, value]) => [make("dt", { text: say(name) }), make("dd", { text: String(value) })])));
  }

  renderFlags(job) {
    if (!job.flags.length) return [make("p", { class: "good", text: `✓ ${say("works_nothing_odd")}` })];
    return [...job.flags.map((flag) => make("div", { class: `works-flag flag-${flag.severity}` },
      make("strong", { text: `${say(flag.severity === "check" ? "works_check" : "works_open")}:${pick(flag.title)}` }),
      make("p", { text: pick(flag.text) }))), job.flags.some((flag) => flag.unverified) ? make("p", { class: "hint", text: say("works_rule_mark") }) : ""];
  }

  renderReplies(replies) {
    if (!replies.length) return [make("p", { class: "muted", text: say("works_no_reply") })];
    return [make("ul", { class: "timeline" }, ...replies.map((one) => make("li", {}, make("span", { class: "muted", text: [one.replied_on, one.unit, one.person].filter(Boolean).join(" · ") }), make("p", { text: one.text }))))];
  }

  openReply(id, job) {
    const today = writeDate(serverTime());
    const input = (name, more) => make("input", { name, maxlength: 200, ...more });
    const problem = make("p", { class: "problem", role: "alert", hidden: true });
    const form = make("form", { class: "act-form" },
      field(say("works_unit"), input("unit", { value: job.unit, required: true })),
      field(say("works_reply_person"), input("person", {})),
      field(say("works_reply_day"), input("replied_on", { type: "date", value: today, max: today, required: true })),
      field(say("works_reply_text"), make("textarea", { name: "text", rows: 4, maxlength: 4000, required: true })),
      problem, make("div", { class: "form-foot" }, make("button", { type: "submit", class: "button primary", text: say("works_reply") })));
    const { close } = openDialog(say("works_reply"), form);
    form.addEventListener("submit", async (event) => {
      event.preventDefault();
      const given = Object.fromEntries([...new FormData(form)].filter(([, value]) => value.trim()));
      try {
        await ask(`/desilting/${id}/replies`, { method: "POST", json: { ...given, flags: job.flags.map((flag) => flag.id) } });
      } catch (error) {
        problem.textContent = error.message;
        problem.hidden = false;
        return;
      }
      close();
      toast(say("works_reply_kept"), "good");
      await this.office.keep(() => this.office.view.refresh());
    });
  }

  async takeIn(input) {
    const [file] = input.files;
    input.value = "";
    if (!file) return;
    try {
      const done = await ask(`/desilting?name=${encodeURIComponent(file.name)}`, { method: "POST", body: file, headers: { "Content-Type": "application/octet-stream" } });
      const lines = done.refused.map((one) => make("li", { text: say("works_refused_row", { row: one.row, why: pick(one.text) }) }));
      openDialog(say("works_import"), make("div", {}, make("p", { text: say("works_imported", { ...done, refused: done.refused.length }) }), make("ul", { class: "works-refused" }, ...lines)));
    } catch (error) {
      complain(error);
    }
    await this.office.keep(() => this.office.view.refresh());
  }
}
