// Why a genre: the plot's words and the poster's regions that moved it, and the nearest movies. A tag worker makes
// these; until it has, the page asks now and then.
import { Away, get, post } from "./api.js";
import { paint } from "./heat.js";

const LONG = 20_000;
const FAINT = 0.06;

const made = (name, className, ...children) => {
  const element = document.createElement(name);
  if (className) element.className = className;
  element.append(...children);
  return element;
};

export class Why {
  constructor(card) {
    this.card = card;
    this.section = card.querySelector("#why");
    this.plot = card.querySelector("#plot");
    this.heat = card.querySelector("#heat");
    this.text = this.plot.textContent;
    this.genre = null;
  }

  /** Show why the row's genre, or close where it is shown already. */
  toggle(row) {
    if (this.genre === row.dataset.genre) this.close();
    else this.open(row);
  }

  close() {
    this.genre = null;
    clearTimeout(this.timer);
    this.section.hidden = true;
    this.heat.hidden = true;
    this.mark(null);
  }

  open(row) {
    this.close();
    this.genre = row.dataset.genre;
    this.name = row.dataset.name;
    this.started = Date.now();
    this.mark(row);
    row.querySelector(".why-open").setAttribute("aria-expanded", "true");
    const close = made("button", "quiet", "Close");
    close.type = "button";
    close.dataset.testid = "why-close";
    close.addEventListener("click", () => this.close());
    const head = made("div", "why-head", made("h3", "", `Why ${this.name}`), close);
    this.state = made("p", "why-state why-wait", "Being computed …");
    this.state.dataset.testid = "why-state";
    this.body = made("div");
    this.section.replaceChildren(head, this.state, this.body);
    this.section.dataset.state = "asked";
    this.section.hidden = false;
    this.follow(true);
  }

  mark() {
    this.plot.textContent = this.text;
    for (const opener of this.card.querySelectorAll(".why-open")) opener.removeAttribute("aria-expanded");
  }

  async follow(first) {
    const asked = this.genre;
    const url = `/review/${this.card.dataset.movie}/why`;
    let pause = 1000;
    try {
      const told = first ? await post(url, { genre: asked }) : await get(`${url}?genre=${asked}`);
      if (this.genre !== asked || !this.card.isConnected) return;
      this.show(told);
      if (told.genre.state !== "asked" && told.nearest.state !== "asked") return;
    } catch (error) {
      if (this.genre !== asked) return;
      this.say(`${error.message} Trying again …`, false);
      if (!(error instanceof Away)) return;
    }
    const waited = Date.now() - this.started;
    if (waited > LONG) {
      pause = 5000;
      if (this.section.dataset.state === "asked") {
        this.say("No tag worker has answered yet. Perhaps none is running; the dashboard shows them. This stays asked for.", true);
        this.section.dataset.state = "alone";
      }
    }
    this.timer = setTimeout(() => this.follow(false), pause);
  }

  say(text, still) {
    this.state.textContent = text;
    this.state.hidden = !text;
    this.state.classList.toggle("why-wait", !still);
  }

  show({ genre, nearest }) {
    const parts = [];
    if (genre.state === "done") {
      this.say("", true);
      this.section.dataset.state = "done";
      parts.push(this.shares(genre.detail.shares), this.words(genre.detail.words, genre.detail.shares.plot));
      const strongest = paint(this.heat, genre.detail.regions, this.name, genre.detail.shares.poster);
      if (strongest) parts.push(made("p", "muted", strongest));
    } else if (genre.state === "failed") {
      this.section.dataset.state = "failed";
      this.say(genre.error ?? "It could not be explained.", true);
    }
    if (nearest.state === "done") parts.push(...this.nearest(nearest.detail));
    else if (genre.state === "done" && nearest.state === "asked") parts.push(made("p", "why-state why-wait", "Looking for the nearest movies …"));
    this.body.replaceChildren(...parts);
  }

  shares(shares) {
    const box = made("div", "why-shares");
    box.dataset.testid = "why-shares";
    for (const [part, share] of Object.entries(shares)) {
      const bar = document.createElementNS("http://www.w3.org/2000/svg", "svg");
      bar.setAttribute("class", "bar bar-accent");
      bar.setAttribute("viewBox", "0 0 100 6");
      bar.setAttribute("preserveAspectRatio", "none");
      bar.setAttribute("aria-hidden", "true");
      for (const [name, width] of [["bar-track", 100], ["bar-fill", 100 * share]]) {
        const rect = document.createElementNS("http://www.w3.org/2000/svg", "rect");
        rect.setAttribute("class", name);
        rect.setAttribute("width", String(width));
        rect.setAttribute("height", "6");
        rect.setAttribute("rx", "2");
        bar.append(rect);
      }
      box.append(made("span", "", part), bar, made("span", "", `${Math.round(100 * share)}%`));
    }
    return box;
  }

  /**
   * Mark the words in the plot, fainter the less of the evidence came from it (`share`, 0 to 1). Their places count
   * characters, as Python does, not halves of surrogate pairs.
   */
  words(words, share) {
    const points = Array.from(this.text);
    const most = Math.max(1e-9, ...words.map((word) => Math.abs(word.weight)));
    const parts = [];
    let at = 0;
    for (const word of words) {
      const strength = Math.sqrt(share) * (Math.abs(word.weight) / most);
      if (strength < FAINT || word.start < at || word.end > points.length) continue;
      const mark = made("mark", word.weight < 0 ? "against" : "for", points.slice(word.start, word.end).join(""));
      mark.style.setProperty("--weight", strength.toFixed(3));
      mark.title = `${word.weight > 0 ? "+" : "−"}${Math.abs(word.weight).toFixed(2)}`;
      mark.dataset.testid = "why-word";
      parts.push(points.slice(at, word.start).join(""), mark);
      at = word.end;
    }
    parts.push(points.slice(at).join(""));
    if (words.length) this.plot.replaceChildren(...parts);
    return made("p", "why-key", made("span", "", made("mark", "for", "spoke for it")), made("span", "", made("mark", "against", "spoke against it")));
  }

  nearest(movies) {
    if (!movies.length) return [made("p", "muted", "No movie with labels is near.")];
    const list = made("ul", "nearest");
    list.dataset.testid = "nearest";
    for (const movie of movies) {
      let poster = made("span", "poster-image poster-none poster-small");
      if (movie.poster_hash) {
        poster = made("img", "poster-image poster-small");
        poster.src = `/posters/${movie.poster_hash}`;
        poster.alt = "";
      }
      const title = made("b", "", movie.title ?? `Movie ${movie.movie_id}`);
      title.dir = "auto";
      const genres = movie.genres.length ? movie.genres.join(", ") : "no genre";
      const about = made("span", "muted", `${[movie.year, `${Math.round(100 * movie.similarity)}% alike`].filter(Boolean).join(" · ")}`, document.createElement("br"), genres);
      const link = made("a", "", poster, made("span", "", title, about));
      link.href = `/movies/${movie.movie_id}`;
      list.append(made("li", "", link));
    }
    return [made("h4", "", "Nearest movies with labels"), list];
  }
}
