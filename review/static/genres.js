// The genres of the movie on the screen: what is given or taken away shows at once.

const yes = (value) => (value ? "yes" : "no");

/** Change one genre on the screen, and say what that means: "accepted", "rejected", or "withdrawn" to the model. */
export function flip(row) {
  const data = row.dataset;
  data.wasAsking ??= data.asks;
  data.wasLabelled ??= data.labelled;
  data.wasMark ??= row.querySelector(".genre-mark").textContent;
  const holds = data.holds !== "yes";
  const back = data.wasAsking === "no" && data.wasLabelled === "no" && yes(holds) === data.predicted;
  const verdict = back ? "withdrawn" : holds ? "accepted" : "rejected";
  data.holds = yes(holds);
  data.asks = "no";
  data.mark = yes(holds);
  if (back) delete data.mine;
  else data.mine = "";
  row.querySelector(".genre-mark").textContent = back ? data.wasMark : "by you";
  row.querySelector(".bar").setAttribute("class", `bar bar-${yes(holds)}`);
  row.querySelector(".genre-toggle").setAttribute("aria-pressed", String(holds));
  count(row.closest(".card"));
  return verdict;
}

/** What still asks, as it stands on the screen. */
export function verdicts(card) {
  const asking = [...card.querySelectorAll('.genre[data-asks="yes"]')];
  const ids = (holds) => asking.filter((row) => row.dataset.holds === holds).map((row) => row.dataset.genre);
  return { accept: ids("yes"), reject: ids("no") };
}

/** The row whose key this is. */
export function rowOf(card, key) {
  return card.querySelector(`.genre[data-key="${CSS.escape(key)}"]`);
}

function count(card) {
  const asking = card.querySelectorAll('.genre[data-asks="yes"]').length;
  const line = card.querySelector(".genres-head p");
  line.textContent = asking ? `${asking} for you` : "nothing asks for you";
}
