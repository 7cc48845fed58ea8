// 督办通知: what was raised to this person, unread first; taking note of it is a record like any other.

import { ask } from "./ask.js";
import { setClock } from "./clock.js";
import { make } from "./dom.js";
import { button, complain, latenessMark, moveAlong, severityMark, stateChip, titleOf, toast, townshipName, word, writeDate, writeMoment } from "./parts.js";
import { stageWords } from "./plan.js";
import { sendRecord } from "./records.js";
import { say } from "./words.js";

const MOST = 200;

export class NoticesTab {
  constructor(office) {
    this.office = office;
    this.head = make("header", { class: "page-head" });
    this.body = make("div", { class: "notice-body" });
    this.place = make("section", { class: "notices" }, this.head, this.body);
    moveAlong(this.body);
  }

  open() {
    return this.refresh();
  }

  async refresh() {
    const answer = await ask(`/notices?limit=${MOST}`);
    setClock(answer.now, this.office.start.timezone);
    this.office.showUnread(answer.unread);
    this.render(answer);
  }

  render({ unread, count, notices }) {
    const open = notices.filter((one) => one.is_unread);
    const rest = notices.filter((one) => !one.is_unread);
    const group = (key, rows) => (rows.length ? [make("h2", { text: say(key, { n: rows.length }) }), make("ul", { class: "rows desk" }, ...rows.map((one) => this.renderNotice(one)))] : []);
    this.head.replaceChildren(make("div", { class: "title-line" }, make("h1", { text: say("notices") }), make("p", { class: "muted", text: say("notices_head", { n: unread, all: count }) })));
    this.body.replaceChildren(...(notices.length ? [...group("notices_unread", open), ...group("notices_read", rest)] : [make("p", { class: "empty", text: say("notices_none") })]));
  }

  renderNotice(one) {
    const { hazard } = one;
    const facts = [hazard.code, word("category", hazard.category), townshipName(this.office.start, hazard.township), hazard.duty_holder].filter(Boolean);
    const told = [stageWords(one), say(one.is_copy ? "notice_copy" : "notice_to"), writeMoment(one.at)];
    return make("li", { class: one.is_unread ? "is-unread" : "" },
      make("a", { class: "row", href: `#cases/${hazard.id}` },
        make("span", { class: "row-mark" }, severityMark(hazard.severity)),
        make("span", { class: "row-main" },
          make("span", { class: "row-title", text: titleOf(hazard) }),
          make("span", { class: "row-facts muted", text: facts.join(" · ") }),
          make("span", { class: "row-facts", text: told.join(" · ") })),
        make("span", { class: "row-state" }, stateChip(hazard.state)),
        make("span", { class: "row-due" }, latenessMark(hazard.due_at, hazard.is_open), make("span", { class: "muted", text: hazard.due_at ? say("due", { date: writeDate(hazard.due_at) }) : "" }))),
      make("span", { class: "notice-acts" },
        hazard.is_open ? make("a", { class: "button quiet", href: `#slip/${hazard.id}`, text: say("slip"), "aria-label": `${say("slip")} ${hazard.code}` }) : null,
        one.acknowledged_at
          ? make("span", { class: "muted", text: say("notice_seen", { when: writeMoment(one.acknowledged_at) }) })
          : button(say("notice_acknowledge"), (event) => this.acknowledge(one, event.target), one.is_unread ? "primary" : "quiet", { "data-notice": one.id, "aria-label": `${say("notice_acknowledge")} ${hazard.code}` })));
  }

  async acknowledge(one, pressed) {
    pressed.disabled = true;
    const { person } = this.office.start;
    try {
      const role = person.capacities.includes("leader") ? "leader" : "officer";
      const receipt = await sendRecord(person.id, { type: "acknowledged", role, payload: { notice: one.id }, evidence: [] });
      if (receipt.outcome === "applied") toast(say("notice_done", { code: one.hazard.code }), "good");
    } catch (error) {
      complain(error);
    }
    await this.office.keep(() => this.refresh());
  }
}
