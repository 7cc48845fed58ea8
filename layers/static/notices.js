// Small messages over the map: one per subject, read aloud politely, gone when no longer true.

import { make } from "./dom.js";
import { say } from "./i18n.js";

export class Notices {
  constructor(place) {
    this.place = place;
    this.open = new Map();
  }

  // key: a word of the page; action: { key, act } for a button; seconds: how long, unset = until cleared.
  tell(key, { facts, action, seconds, urgent } = {}) {
    this.say(key, say(key, facts), action && { words: say(action.key), act: action.act }, { seconds, urgent });
  }

  // The same with words that are another part's.
  say(key, words, action = null, { seconds, urgent } = {}) {
    this.clear(key);
    const button = action ? make("button", { type: "button", text: action.words, onclick: action.act }) : null;
    const notice = make("div", { class: urgent ? "notice notice-urgent" : "notice", "data-notice": key }, make("span", { text: words }), button);
    this.open.set(key, notice);
    this.place.append(notice);
    if (seconds) setTimeout(() => this.open.get(key) === notice && this.clear(key), seconds * 1000);
  }

  clear(key) {
    this.open.get(key)?.remove();
    this.open.delete(key);
  }

  has(key) {
    return this.open.has(key);
  }
}
