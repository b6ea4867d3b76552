// What every page can do: open the help and find a movie.
import { get } from "./api.js";

const help = document.getElementById("help");
const find = document.getElementById("find");

/** Whether a key press is meant for something else than the page's keys. */
export function busy(event) {
  if (event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey || event.isComposing) return true;
  if (document.querySelector("dialog[open]")) return true;
  return Boolean(event.target.closest?.("input, textarea, select, [contenteditable]"));
}

// On a narrow screen the filters would hide what they find.
if (matchMedia("(max-width: 60rem)").matches) {
  for (const filters of document.querySelectorAll("details.filters")) filters.open = false;
}

function open(dialog) {
  if (!dialog || dialog.open) return;
  dialog.showModal();
  dialog.querySelector("input")?.select();
}

// A field of a closed dialog keeps the focus until the next frame is drawn, and would swallow a fast key.
function shut(dialog) {
  document.activeElement?.blur();
  dialog.close();
}

document.addEventListener("click", (event) => {
  const opener = event.target.closest("[data-opens]");
  if (opener) {
    event.preventDefault();
    open(document.getElementById(opener.dataset.opens));
  }
  if (event.target.closest("[data-closes]") || event.target === help || event.target === find) {
    shut(event.target.closest("dialog"));
  }
  for (const menu of document.querySelectorAll("details.menu[open]")) {
    if (!menu.contains(event.target)) menu.open = false;
  }
});

document.addEventListener("keydown", (event) => {
  if (event.key === "Escape") {
    for (const menu of document.querySelectorAll("details.menu[open]")) menu.open = false;
  }
  if (busy(event) || event.repeat || !find) return;
  if (event.key === "/") open(find);
  else if (event.key === "?") open(help);
  else if (event.key.toLowerCase() === "q" && !event.shiftKey) location.assign("/queue");
  else return;
  event.preventDefault();
});

function result(movie) {
  const link = document.createElement("a");
  link.href = `/movies/${movie.movie_id}`;
  link.dataset.testid = "found";
  const title = document.createElement("span");
  title.className = "found-title";
  title.dir = "auto";
  title.textContent = movie.title ?? `Movie ${movie.movie_id}`;
  const rest = document.createElement("span");
  rest.className = "muted";
  rest.textContent = [movie.year, movie.state].filter(Boolean).join(" · ");
  link.append(title, rest);
  const row = document.createElement("li");
  row.append(link);
  return row;
}

if (find) {
  const field = find.querySelector("input");
  const list = find.querySelector("ul");
  let timer;
  let asked = 0;

  const search = async () => {
    const words = field.value.trim();
    const mine = ++asked;
    if (!words) return list.replaceChildren();
    try {
      const { found } = await get(`/find?q=${encodeURIComponent(words)}`);
      if (mine !== asked) return;
      list.replaceChildren(...found.map(result));
      if (!found.length) list.append(note("No movie has these words or this id."));
    } catch (error) {
      if (mine === asked) list.replaceChildren(note(error.message));
    }
  };
  const note = (text) => {
    const row = document.createElement("li");
    row.className = "muted find-hint";
    row.textContent = text;
    return row;
  };

  field.addEventListener("input", () => {
    clearTimeout(timer);
    timer = setTimeout(search, 120);
  });
  find.querySelector("form").addEventListener("submit", (event) => {
    const first = list.querySelector("a");
    if (first) {
      event.preventDefault();
      first.click();
    }
  });
  find.addEventListener("keydown", (event) => {
    if (event.key === "Escape") {
      event.preventDefault(); // a search field would only be emptied by it
      shut(find);
    }
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (!step) return;
    event.preventDefault();
    const places = [field, ...list.querySelectorAll("a")];
    const at = places.indexOf(document.activeElement);
    places[(at + step + places.length) % places.length].focus();
  });
}
