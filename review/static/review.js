// The review page by keyboard: each key is one action, shown at once and saved behind it.
import { csrf, form, post } from "./api.js";
import { flip, rowOf, verdicts } from "./genres.js";
import { Outbox } from "./outbox.js";
import { Stage } from "./stage.js";
import { Saving, settle, signedOut, toast } from "./saying.js";
import { busy } from "./shell.js";
import { Why } from "./why.js";

const element = document.getElementById("stage");
const session = document.getElementById("session");
const decided = { movies: 0, seconds: 0 };
let why = null;
let leaving = false;

const stage = new Stage(element, (entry) => {
  why?.close();
  why = null;
  if (entry.movie !== null) furnish(entry.node);
});
const outbox = new Outbox(`outbox-${element.dataset.editor}`, Number(element.dataset.newest), {
  changed: () => saving.show(),
  done: answered,
  refused,
});
const saving = new Saving(outbox);
const card = () => (stage.current.movie === null || stage.current.locked ? null : stage.current.node);
const going = () => outbox.movies;

// On a narrow screen a long plot scrolls by itself, and must then be reached by the keyboard.
const reached = new ResizeObserver(([{ target }]) => {
  if (target.scrollHeight > target.clientHeight + 1) target.tabIndex = 0;
  else target.removeAttribute("tabindex");
});

function furnish(node) {
  why = new Why(node);
  reached.disconnect();
  reached.observe(node.querySelector("#plot"));
}

function send(kind, url, label, fields, movie = stage.current.movie) {
  outbox.add({ kind, url, label, movie, title: stage.current.title, fields });
  if (outbox.stopped) signedOut();
}

function toggle(row) {
  const { movie } = stage.current;
  const verdict = flip(row);
  const said = { accepted: "accepted", rejected: "rejected", withdrawn: "left to the model" }[verdict];
  send("toggle", `/review/${movie}/toggle`, `${row.dataset.name}: ${said}`, {
    genre: row.dataset.genre,
    verdict,
    seen: card().dataset.seen,
    seconds: stage.seconds,
  });
}

function finish() {
  if (stage.moving) return;
  if (card()) {
    const { movie, title } = stage.current;
    const seconds = stage.seconds;
    send("finish", `/review/${movie}/finish`, `“${title}” accepted as shown`, {
      seen: card().dataset.seen,
      seconds,
      ...verdicts(card()),
    });
    decided.movies += 1;
    decided.seconds += seconds;
    tell();
  }
  stage.advance(going).catch((error) => toast(error.message));
}

function skip() {
  if (stage.moving) return;
  const { movie, title } = stage.current;
  if (card()) send("skip", `/review/${movie}/skip`, `“${title}” skipped`, { seconds: stage.seconds });
  stage.advance(going).catch((error) => toast(error.message));
}

function undo() {
  send("undo", "/undo", "undo", { queue: stage.queue }, null);
}

function tell() {
  const each = decided.movies ? (decided.seconds / decided.movies).toFixed(1) : "0";
  session.textContent = decided.movies ? `${decided.movies} decided, ${each} s each` : "";
}

/** A movie that was counted as decided is not. */
function forget() {
  decided.seconds *= decided.movies > 1 ? 1 - 1 / decided.movies : 0;
  decided.movies = Math.max(0, decided.movies - 1);
  tell();
}

const WHAT = { toggle: "a genre", finish: "accept & next", skip: "skip", bulk: "a bulk decision" };

/** The server has confirmed an action. */
async function answered(item, answer) {
  if (item.kind !== "undo") return;
  if (answer.repeated) return toast("Undone.");
  const { undone, movie } = answer;
  if (!undone) return toast("There is nothing to undo.");
  if (undone.kind === "bulk") return toast("The bulk decision is being undone.", `/bulk/${undone.bulk_id}`);
  if (undone.kind === "finish") forget();
  const kept = undone.kept ? ` ${undone.kept} that somebody changed since was kept.` : "";
  const held = movie?.holder ? ` ${movie.holder} has it open.` : "";
  if (!movie) return toast("Undone. Its movie is gone from the catalog.");
  toast(`Undone: ${WHAT[undone.kind]} on “${movie.title}”.${kept}${held}`);
  stage.interrupt(stage.entry(movie));
}

/** The server will not take an action: say why, and what is not saved. */
async function refused(item, error) {
  if (outbox.stopped) return signedOut();
  const lost = [item, ...(item.movie === null ? [] : outbox.drop(item.movie))];
  if (lost.some((one) => one.kind === "finish")) forget();
  if (error.kind !== "conflict") {
    toast(`Not saved (${lost.map((one) => one.label).join("; ")}): ${error.message}`);
    if (stage.current.movie === item.movie) await stage.refresh(item.movie).catch(() => {});
    return;
  }
  outbox.stop();
  const again = await settle(item.title, error.data.difference, lost);
  const here = stage.current.movie === item.movie;
  try {
    if (again || here) await stage.refresh(item.movie);
    else await post("/review/release", { movie: [item.movie] });
  } catch (problem) {
    toast(problem.message);
  }
  outbox.hurry();
}

element.addEventListener("submit", (event) => event.preventDefault());
document.addEventListener("submit", (event) => {
  if (event.target.querySelector('[data-does="undo"]')) event.preventDefault();
});
document.addEventListener("click", (event) => {
  const button = event.target.closest("button");
  if (!button || button.disabled) return;
  const row = button.closest(".genre");
  if (row && button.dataset.why) why?.toggle(row);
  else if (row && card()) toggle(row);
  else if (button.dataset.does === "finish") finish();
  else if (button.dataset.does === "skip") skip();
  else if (button.dataset.does === "undo") undo();
  else return;
  if (event.detail > 0) button.blur(); // the mouse leaves Enter and Space to the page
});

document.addEventListener("keydown", (event) => {
  if (busy(event) || event.repeat) return;
  const onControl = event.target.closest?.("a, button, summary");
  if ((event.key === "Enter" || event.key === " ") && onControl) return;
  const digit = /^(?:Digit|Numpad)(\d)$/.exec(event.code)?.[1];
  const key = digit ?? event.key.toLowerCase();
  const row = stage.current.movie === null ? null : rowOf(stage.current.node, key);
  if (event.key === "Enter") finish();
  else if (event.key === " ") skip();
  else if (event.key === "Escape") why?.close();
  else if (key === "u") undo();
  else if (key === "w" && why) why.genre ? why.close() : firstWhy();
  else if (key === "m" && stage.current.movie !== null) location.assign(`/movies/${stage.current.movie}`);
  else if (row && event.shiftKey) why?.toggle(row);
  else if (row && card() && !stage.moving) toggle(row);
  else return;
  event.preventDefault();
});

function firstWhy() {
  const row = stage.current.node.querySelector('.genre[data-asks="yes"], .genre');
  if (row) why.open(row);
}

async function beat() {
  const { movies } = stage;
  if (!movies.length || stage.moving) return;
  const { held } = await post("/review/keep", { movie: movies });
  const { movie } = stage.current;
  if (stage.heard([...held, ...stage.movies.filter((other) => !movies.includes(other))]) || leaving) return;
  const seen = stage.current.node.dataset.seen;
  const fresh = await stage.look(movie);
  if (stage.current.movie !== movie) return;
  if (fresh.locked || fresh.node.dataset.seen !== seen) {
    stage.interrupt(fresh);
    toast(fresh.locked ? "Somebody else has this movie open by now." : "This movie has changed meanwhile.");
  }
}

const heartbeat = () => beat().catch(() => {});
setInterval(heartbeat, 1000 * Number(element.dataset.beat));
setTimeout(heartbeat, 1500); // a reload may have let the movie go after it was taken anew
document.addEventListener("visibilitychange", () => document.visibilityState === "visible" && heartbeat());

addEventListener("online", () => outbox.hurry());
let signingIn = false; // then what is not saved waits in this tab
document.querySelector("#signed-out a").addEventListener("click", () => { signingIn = true; });
addEventListener("beforeunload", (event) => { if (!outbox.empty && !signingIn) event.preventDefault(); });
addEventListener("pagehide", () => {
  leaving = true;
  const { movies } = stage;
  if (movies.length) navigator.sendBeacon("/review/release", form({ csrf: csrf(), movie: movies }));
});
addEventListener("pageshow", (event) => { if (event.persisted) location.reload(); });

if (stage.current.movie !== null) {
  furnish(stage.current.node);
  stage.prefetch(going()).catch(() => {});
}
saving.show();
outbox.pump();
