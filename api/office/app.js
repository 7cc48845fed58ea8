// The office's page: which tab is shown, who works here, and that what is shown stays true.

import { ask } from "./ask.js";
import { CampaignsTab } from "./campaigns.js";
import { CasesTab } from "./cases.js";
import { setClock } from "./clock.js";
import { byId, make } from "./dom.js";
import { DutyTab } from "./duty.js";
import { DutySheetView } from "./duty_sheet.js";
import { FiguresTab } from "./figures.js";
import { NoticesTab } from "./notices.js";
import { button, complain, toast } from "./parts.js";
import { PlotsTab } from "./plots.js";
import { sendKept } from "./records.js";
import { SlipView } from "./slip.js";
import { TodayTab } from "./today.js";
import { WorksTab } from "./works.js";
import { currentLanguage, readLanguage, say, switchLanguage } from "./words.js";

const TABS = { today: TodayTab, notices: NoticesTab, cases: CasesTab, campaigns: CampaignsTab, duty: DutyTab, plots: PlotsTab, works: WorksTab, figures: FiguresTab };
const VIEWS = { ...TABS, slip: SlipView, dutysheet: DutySheetView };
// Tabs that not everybody may open.
const NEEDS = { duty: "read_duty", dutysheet: "read_duty", works: "read_desilting" };
const GATHER_MS = 800;
const EVERY_MS = 60000;

class Office {
  constructor(start) {
    this.start = start;
    this.view = null;
    this.unread = 0;
    addEventListener("hashchange", () => this.show());
    addEventListener("keydown", (event) => this.hearKey(event));
    this.follow();
  }

  may(action) {
    return this.start.may.includes(action);
  }

  mayOpen(tab) {
    return !(tab in NEEDS) || this.may(NEEDS[tab]);
  }

  // #tab/argument?query
  readPlace() {
    const [path, query = ""] = location.hash.slice(1).split("?");
    const [tab, argument = ""] = path.split("/");
    const known = tab in VIEWS && this.mayOpen(tab);
    return { tab: known ? tab : "today", argument: decodeURIComponent(argument), query: new URLSearchParams(query) };
  }

  async show({ anew = false } = {}) {
    const place = this.readPlace();
    this.renderBar(place.tab);
    document.title = `${say(place.tab)} · ${say("brand")}`;
    document.body.dataset.tab = place.tab;
    byId("a3").media = place.tab === "dutysheet" ? "print" : "not all";
    const known = this.view instanceof VIEWS[place.tab] && !anew;
    if (!known) {
      this.view = new VIEWS[place.tab](this);
      byId("main").replaceChildren(this.view.place);
    }
    await this.keep(() => this.view.open(place));
  }

  // A view's own question; says so when the server cannot be reached.
  async keep(work) {
    try {
      await work();
      byId("lost").hidden = true;
    } catch (error) {
      if (error.status === 401) return void location.reload();
      if (error.status === 0) {
        byId("lost").textContent = say("lost");
        byId("lost").hidden = false;
      } else complain(error);
    }
    byId("main").dataset.ready = "true";
    return undefined;
  }

  renderBar(tab) {
    byId("brand").textContent = say("brand");
    byId("tabs").setAttribute("aria-label", say("brand"));
    byId("tabs").replaceChildren(
      ...Object.keys(TABS).filter((name) => this.mayOpen(name)).map((name) => make("a", { href: `#${name}`, "aria-current": name === tab ? "page" : null }, say(name), name === "notices" ? make("span", { id: "unread", class: "count" }) : null)),
      make("a", { class: "to-map", href: `/maps/hazards?lang=${currentLanguage()}`, text: say("map") }));
    this.showUnread(this.unread);
    const { person } = this.start;
    const goal = encodeURIComponent(location.pathname);
    byId("account").replaceChildren(
      button(say("other_language"), () => (switchLanguage(), this.show({ anew: true })), "quiet", { id: "language" }),
      ...(person
        ? [make("span", { class: "account-name", text: person.name, title: person.login }), button(say("log_out"), () => this.leave(), "quiet", { id: "logout" })]
        : [make("a", { class: "button primary", href: `/login?lang=${currentLanguage()}&next=${goal}`, text: say("log_in") })]));
  }

  async leave() {
    await ask("/logout", { method: "POST" }).catch(() => null);
    location.reload();
  }

  hearKey(event) {
    const typing = event.target.closest?.("input, textarea, select");
    if (event.key === "/" && !typing && !event.ctrlKey && !event.metaKey) {
      const search = document.querySelector("[data-search]");
      if (search) (event.preventDefault(), search.focus(), search.select?.());
    }
    if (event.key === "Escape" && !document.querySelector("dialog[open]")) this.view?.escape?.();
  }

  // Server-sent events say that something changed; a minute's clock sees that time has passed.
  follow() {
    let timer = null;
    const soon = () => {
      clearTimeout(timer);
      timer = setTimeout(() => this.refresh(), GATHER_MS);
    };
    new EventSource("/events").addEventListener("message", soon);
    setInterval(() => this.refresh(), EVERY_MS);
    document.addEventListener("visibilitychange", () => document.hidden || soon());
  }

  // How many notices of this person nobody has taken note of.
  showUnread(count) {
    this.unread = count;
    Object.assign(byId("unread"), { textContent: count > 99 ? "99+" : String(count), hidden: !count, title: say("notices_unread", { n: count }) });
  }

  async countUnread() {
    if (this.start.person) this.showUnread((await ask("/notices?limit=1")).unread);
  }

  refresh() {
    if (document.hidden || document.querySelector("dialog[open]")) return;
    this.keep(async () => {
      await this.view?.refresh?.();
      if (!(this.view instanceof NoticesTab)) await this.countUnread();
    });
  }

  async sendKept() {
    if (!this.start.person || !this.may("record_event")) return;
    if (await sendKept(this.start.person.id).catch(() => null)) toast(say("kept_sent"));
  }
}

async function begin() {
  readLanguage();
  try {
    const start = await ask("/office/start");
    setClock(start.now, start.timezone);
    const office = new Office(start);
    await office.show();
    await office.sendKept();
    await office.keep(() => office.countUnread());
  } catch (error) {
    if (error.status === 401) return void location.assign(`/login?next=${encodeURIComponent("/office")}`);
    byId("main").replaceChildren(make("p", { class: "opening late", text: say("failed", { why: error.message }) }), button(say("retry"), () => location.reload()));
  }
  return undefined;
}

begin();
