// What the editor did and the server has not confirmed yet: sent one after the other, in the order in which it was
// done, again and again until there is an answer. It survives a reload of the page.
import { Away, post } from "./api.js";

const FIRST_PAUSE = 1000;
const LONGEST_PAUSE = 30_000;

export class Outbox {
  /**
   * @param key      where it is kept in this tab
   * @param newest   the editor's newest action that the page knows of
   * @param events   changed(), done(item, answer), refused(item, error)
   */
  constructor(key, newest, events) {
    this.key = key;
    this.events = events;
    this.items = [];
    this.newest = newest;
    this.error = null;
    this.again = 0;
    this.sending = false;
    this.stopped = false;
    this.restore();
  }

  get empty() {
    return this.items.length === 0;
  }

  /** The movies that unconfirmed actions are about. */
  get movies() {
    return this.items.map((item) => item.movie).filter((movie) => movie !== null);
  }

  /** Take an action: { kind, url, fields, movie, label }. */
  add(item) {
    this.items.push({ ...item, tries: 0 });
    this.keep();
    this.pump();
  }

  /** Drop what is unsent of a movie, because it changed; returns what was dropped. */
  drop(movie) {
    const dropped = this.items.filter((item) => item.movie === movie);
    this.items = this.items.filter((item) => item.movie !== movie);
    this.keep();
    return dropped;
  }

  /** Try now, whatever the pause. */
  hurry() {
    clearTimeout(this.timer);
    this.timer = undefined;
    this.stopped = false;
    this.pump();
  }

  /** Send nothing more until `hurry`. */
  stop() {
    this.stopped = true;
  }

  async pump() {
    if (this.sending || this.stopped || this.timer !== undefined) return;
    this.sending = true;
    while (this.items.length && !this.stopped) {
      this.events.changed();
      const item = this.items[0];
      const repeated = item.tries++ > 0 ? { after: this.newest } : {};
      this.keep();
      try {
        const answer = await post(item.url, { ...item.fields, ...repeated });
        this.confirm(item, answer.action_id);
        this.events.done(item, answer);
      } catch (error) {
        if (error instanceof Away) {
          this.wait(error, item.tries);
          break;
        }
        this.error = null;
        if (error.kind === "signed-out" || error.kind === "forged") this.stopped = true;
        else this.confirm(item, null);
        this.events.refused(item, error);
      }
    }
    this.sending = false;
    this.events.changed();
  }

  confirm(item, action) {
    this.items = this.items.filter((other) => other !== item);
    this.error = null;
    if (action) this.newest = Math.max(this.newest, action);
    this.keep();
  }

  wait(error, tries) {
    const pause = Math.min(LONGEST_PAUSE, FIRST_PAUSE * 2 ** Math.min(tries - 1, 5));
    this.error = error.message;
    this.again = Date.now() + pause;
    this.timer = setTimeout(() => this.hurry(), pause);
  }

  keep() {
    try {
      sessionStorage.setItem(this.key, JSON.stringify({ items: this.items, newest: this.newest }));
    } catch { /* no room or not allowed: it lasts as long as the page */ }
  }

  restore() {
    try {
      const kept = JSON.parse(sessionStorage.getItem(this.key) ?? "null");
      if (kept?.items.length) {
        // Their answers may have been lost with the page: they are asked as repetitions.
        this.items = kept.items.map((item) => ({ ...item, tries: Math.max(1, item.tries) }));
        this.newest = kept.newest;
      }
    } catch { /* nothing that can be read */ }
  }
}
