// What the page says beside the movie: what is saved, what happened, what somebody else has changed.

const line = document.getElementById("toast");
let hiding;

/** Say something for a while, with a link if there is more to see. */
export function toast(text, url) {
  clearTimeout(hiding);
  line.textContent = text;
  if (url) {
    const link = document.createElement("a");
    link.href = url;
    link.textContent = "Show";
    line.append(" ", link);
  }
  line.hidden = false;
  hiding = setTimeout(() => { line.hidden = true; }, 6000);
}

/** The line that says whether everything is saved. */
export class Saving {
  constructor(outbox) {
    this.outbox = outbox;
    this.line = document.getElementById("saving");
    setInterval(() => this.outbox.error && this.show(), 1000);
  }

  show() {
    const { items, error, again, stopped } = this.outbox;
    const [state, text] = !items.length
      ? ["saved", "Saved"]
      : stopped
        ? ["failed", `${items.length} not saved`]
        : error
          ? ["waiting", `${items.length} not saved. ${error} Next try in ${Math.max(0, Math.round((again - Date.now()) / 1000))} s`]
          : ["saving", "Saving …"];
    this.line.dataset.state = state;
    if (this.line.textContent !== text) this.line.textContent = text;
  }
}

const list = (element, lines) => {
  element.replaceChildren(...lines.map((text) => {
    const row = document.createElement("li");
    row.dir = "auto";
    row.textContent = text;
    return row;
  }));
};

/** Show what has changed and what of ours is not saved; whether the editor wants to look again. */
export function settle(title, difference, lost) {
  const dialog = document.getElementById("conflict");
  document.getElementById("conflict-movie").textContent = `“${title}” was changed while you had it on the screen:`;
  list(document.getElementById("conflict-difference"), difference);
  list(dialog.querySelector("#conflict-mine ul"), lost.map((item) => item.label));
  dialog.returnValue = "";
  dialog.showModal();
  dialog.querySelector('[data-answer="again"]').focus();
  return new Promise((answer) => {
    dialog.addEventListener("click", (event) => {
      const chosen = event.target.closest("[data-answer]");
      if (chosen) dialog.close(chosen.dataset.answer);
    });
    // Closing it by Escape decides nothing: then we look again.
    dialog.addEventListener("close", () => answer(dialog.returnValue !== "theirs"), { once: true });
  });
}

/** The session has ended: what is not saved waits in this tab. */
export function signedOut() {
  const dialog = document.getElementById("signed-out");
  if (dialog.open) return;
  dialog.querySelector("a").href = location.pathname + location.search;
  dialog.showModal();
}
