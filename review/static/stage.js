// The movies of the page: the one on the screen, those fetched ahead, and how long each was looked at.
import { Away, get, post } from "./api.js";

/** One movie, as a part of the page; without an id it says that the queue is empty. */
export class Entry {
  constructor(told) {
    const box = document.createElement("template");
    box.innerHTML = told.html; // drawn and escaped by the server
    this.node = box.content.firstElementChild;
    this.movie = told.movie_id;
    this.title = told.title ?? "";
    this.url = told.url ?? location.pathname + location.search;
    if (told.poster) new Image().src = told.poster;
    this.looked = 0;
  }

  static onPage(node) {
    const entry = Object.create(Entry.prototype);
    const movie = node.dataset.movie;
    return Object.assign(entry, {
      node,
      movie: movie === undefined ? null : Number(movie),
      title: node.dataset.title ?? "",
      url: location.pathname + location.search,
      looked: 0,
    });
  }

  get locked() {
    return this.node.dataset.locked === "yes";
  }
}

export class Stage {
  /** @param shown called with the entry after it came on the screen */
  constructor(element, shown) {
    this.element = element;
    this.queue = element.dataset.queue;
    this.shown = shown;
    this.ahead = [];
    this.fetching = null;
    this.empty = null;
    this.current = Entry.onPage(element.firstElementChild);
    this.since = performance.now();
    this.visible = document.visibilityState === "visible";
    document.addEventListener("visibilitychange", () => this.lookAway());
  }

  /** The movies that the page holds. */
  get movies() {
    return [this.current, ...this.ahead].map((entry) => entry.movie).filter((movie) => movie !== null);
  }

  /** Seconds that the movie on the screen was looked at, without the time that the page was hidden. */
  get seconds() {
    this.lookAway();
    return Math.round(this.current.looked / 100) / 10;
  }

  lookAway() {
    const now = performance.now();
    if (this.visible) this.current.looked += now - this.since;
    this.visible = document.visibilityState === "visible";
    this.since = now;
  }

  /** Bring a movie on the screen. */
  show(entry) {
    this.lookAway();
    this.current = entry;
    this.since = performance.now();
    this.element.replaceChildren(entry.node);
    this.element.removeAttribute("data-busy");
    history.replaceState(null, "", entry.url);
    document.title = `${entry.title ? `${entry.title} · ` : ""}Review · Marquee`;
    document.getElementById("card-title")?.focus({ preventScroll: true });
    scrollTo(0, 0);
    this.shown(entry);
  }

  /** Show a movie in place of the one on the screen, which comes next again. */
  interrupt(entry) {
    this.ahead = this.ahead.filter((other) => other.movie !== entry.movie);
    if (this.current.movie !== null && this.current.movie !== entry.movie) this.ahead.unshift(this.current);
    this.show(entry);
  }

  /** Fetch the next movie before it is needed; `leaving` are movies that are not to come back now. */
  prefetch(leaving) {
    if (this.ahead.length) return Promise.resolve();
    this.fetching ??= this.fetch(leaving).finally(() => { this.fetching = null; });
    return this.fetching;
  }

  async fetch(leaving) {
    const told = await post("/review/next", { queue: this.queue, holding: [...this.movies, ...leaving] });
    this.empty = told.movie_id === null ? told : null;
    if (told.movie_id !== null && !this.movies.includes(told.movie_id)) this.ahead.push(new Entry(told));
  }

  /** Go to the next movie; where it is not there yet, wait for it. */
  async advance(leaving) {
    if (this.moving) return;
    this.moving = true;
    try {
      if (!this.ahead.length) {
        this.element.dataset.busy = "";
        await this.fetching?.catch(() => {});
        await this.patiently(leaving);
      }
      this.show(this.ahead.shift() ?? new Entry(this.empty));
    } finally {
      this.moving = false;
      this.element.removeAttribute("data-busy");
    }
    this.prefetch(leaving()).catch(() => {});
  }

  /** Ask for the next movie until the server says which, or that there is none. */
  async patiently(leaving) {
    for (let pause = 500; !this.ahead.length; pause = Math.min(8000, pause * 2)) {
      try {
        this.empty = null;
        await this.prefetch(leaving());
        if (this.empty) return;
      } catch (error) {
        if (!(error instanceof Away)) throw error;
        await new Promise((wake) => { setTimeout(wake, pause); });
      }
    }
  }

  /** A movie as the server tells it. */
  entry(told) {
    return new Entry(told);
  }

  /** A movie as it stands now, taken for this editor if it is free. */
  async look(movie) {
    const query = this.queue ? `?${this.queue}` : "";
    return new Entry(await get(`/review/${movie}/card${query}`));
  }

  /** Bring a movie on the screen as it stands now. */
  async refresh(movie) {
    const entry = await this.look(movie);
    if (this.current.movie === movie) entry.looked = this.current.looked;
    this.interrupt(entry);
  }

  /** The server holds only these of the page's movies: the others were given to somebody else. */
  heard(held) {
    this.ahead = this.ahead.filter((entry) => held.includes(entry.movie));
    return this.current.movie === null || this.current.locked || held.includes(this.current.movie);
  }
}
