// Photos of a case that are nearly those of another: said so that a person looks, and no more.

import { ask } from "./ask.js";
import { make } from "./dom.js";
import { word, writeDate } from "./parts.js";
import { say } from "./words.js";

const BITS = 64;
const SHOWN = 5;

// Asked after the case is shown: the comparison with every stored photo takes its time.
export async function showAlike(place, hazard) {
  const found = await ask(`/hazards/${encodeURIComponent(hazard.id)}/alike`).catch(() => []);
  if (!place.isConnected || !found.length) return;
  place.replaceChildren(make("div", { class: "hint-line" },
    make("strong", { text: say("alike") }),
    make("ul", {}, ...found.slice(0, SHOWN).map((one) => renderLine(one, hazard))),
    found.length > SHOWN ? make("p", { text: say("alike_more", { n: found.length - SHOWN }) }) : null));
}

function renderLine(one, hazard) {
  const facts = { kind: word("evidence", one.kind), other: word("evidence", one.other_kind), date: writeDate(one.other_at), n: one.distance, bits: BITS };
  const key = one.distance === 0 && one.sha256 === one.other ? "alike_same" : "alike_near";
  const here = one.hazard_id === hazard.id;
  const [before, after] = say(here ? `${key}_here` : key, facts).split("{code}");
  return make("li", {}, before, here ? null : make("a", { href: `#cases/${one.hazard_id}`, text: one.code }), after ?? "");
}
