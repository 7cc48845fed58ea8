// Keeps the page true: asks for the map's version again and again, at once when the server says so.

const EVERY = 15000;
const EVERY_WITH_EVENTS = 60000;
const PAUSE = 1000;

export class Refresh {
  // load(): fetches the config; use(config): takes it; lost(bool): the server cannot be reached.
  constructor({ load, use, lost }) {
    Object.assign(this, { load, use, lost });
    document.addEventListener("visibilitychange", () => document.hidden || this.ask());
  }

  start(config) {
    this.every = config.events ? EVERY_WITH_EVENTS : EVERY;
    if (config.events) new EventSource(config.events).addEventListener("message", () => this.ask());
    this.wait();
  }

  wait() {
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.ask(), this.every);
  }

  async ask() {
    if (document.hidden) return this.wait();
    this.again = this.asking;
    if (this.asking) return undefined;
    this.asking = true;
    try {
      const config = await this.load();
      this.lost(false);
      this.use(config);
    } catch {
      this.lost(true);
    } finally {
      this.asking = false;
      this.wait();
    }
    // What was announced while we asked may not be in the answer; a burst of news is one question.
    if (this.again) setTimeout(() => this.ask(), PAUSE);
    return undefined;
  }
}
