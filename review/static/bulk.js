// A bulk decision's progress, until it has finished.
import { get } from "./api.js";
import "./shell.js";

const box = document.getElementById("bulk");
const bar = box.querySelector("progress");
const text = document.getElementById("bulk-text");
const count = (number) => number.toLocaleString("en");

async function follow() {
  let pause = 500;
  try {
    const { total, done, changed, finished } = await get(box.dataset.url);
    bar.max = total || 1;
    bar.value = total ? done : 1;
    text.textContent = `${count(done)} of ${count(total)} movies, ${count(changed)} changed${finished ? "" : " so far"}.`;
    if (finished) {
      location.reload();
      return;
    }
  } catch (error) {
    text.textContent = `${error.message} Trying again …`;
    pause = 3000;
  }
  setTimeout(follow, pause);
}

if (box.dataset.finished === "no") follow();
