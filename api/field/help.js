// Help: what is new, and each of the main flows with an example.

import { FLOWS, NEWS } from "./help_words.js";
import { make } from "./dom.js";
import { card } from "./ui.js";
import { pick, say } from "./words.js";

export async function showHelp(app) {
  const news = card({}, make("h2", { text: say("whats_new") }), make("ul", { class: "steps" }, ...NEWS.map((one) => make("li", { text: pick(one) }))));
  const flows = FLOWS.map(({ title, steps, example }) =>
    make(
      "details",
      { class: "other flow" },
      make("summary", { text: pick(title) }),
      make("ol", { class: "steps" }, ...steps.map((step) => make("li", { text: pick(step) }))),
      make("p", { class: "note", text: pick(example) }),
    ),
  );
  return { title: say("help"), back: app.account ? "me" : "login", body: [news, ...flows] };
}
