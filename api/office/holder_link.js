// A link for the duty holder: shown once, as a code to scan and an address to copy.

import { ask } from "./ask.js";
import { make } from "./dom.js";
import { button, complain, openDialog, toast, writeDate } from "./parts.js";
import { say } from "./words.js";

export async function makeLink(hazard) {
  let made;
  try {
    made = await ask("/links", { method: "POST", json: { hazard_id: hazard.id, label: hazard.code, days: 30 } });
  } catch (error) {
    return complain(error);
  }
  const picture = make("img", { class: "qr", alt: "", src: `data:image/svg+xml;charset=utf-8,${encodeURIComponent(made.svg)}` });
  const opened = openDialog(say("link_make"), make("div", { class: "link-made" },
    picture,
    make("code", { text: made.address }),
    make("p", { class: "muted", text: say("link_text", { date: writeDate(made.expires_at) }) }),
    make("div", { class: "form-foot" },
      button(say("link_revoke"), () => revoke(made, opened), "quiet"),
      button(say("link_copy"), () => copy(made.address), "primary"))));
  return undefined;
}

async function copy(address) {
  try {
    await navigator.clipboard.writeText(address);
    toast(say("copied"), "good");
  } catch (error) {
    complain(error);
  }
}

async function revoke(made, opened) {
  try {
    await ask(`/links/${made.id}`, { method: "DELETE" });
    opened.close();
    toast(say("revoked"), "good");
  } catch (error) {
    complain(error);
  }
}
