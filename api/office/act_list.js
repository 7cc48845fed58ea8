// The buttons of a case: exactly what the server allows this person at this stage.

import { nameAct, openAct } from "./act_form.js";
import { orderActs, toneOf } from "./acts.js";
import { make } from "./dom.js";
import { button } from "./parts.js";
import { pick, say } from "./words.js";

export function renderActs({ office, hazard, allowed, hints, done }) {
  const events = orderActs(allowed);
  const hinted = events.filter((event) => hints[event]);
  const buttons = events.map((event) => {
    const tone = hints[event] ? "" : toneOf(event, hazard);
    return button(nameAct(event, hazard), () => openAct({ office, hazard, event, hint: hints[event], done }), tone, { "data-act": event });
  });
  return make("section", { class: "acts" },
    events.length ? make("div", { class: "act-buttons" }, ...buttons) : make("p", { class: "muted", text: say("acts_none") }),
    ...hinted.map((event) => make("p", { class: "hint-line", text: `${say(`do_${event}`)}:${pick(hints[event])}` })));
}
