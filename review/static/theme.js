// Dark or light before the first paint: as chosen here, else as the system says.
"use strict";
(() => {
  const root = document.documentElement;
  const chosen = () => {
    try { return localStorage.getItem("theme"); } catch { return null; }
  };
  const apply = (theme) => {
    if (theme === "dark" || theme === "light") root.dataset.theme = theme;
  };
  apply(chosen());
  document.addEventListener("click", (event) => {
    if (!event.target.closest("[data-theme-toggle]")) return;
    const dark = root.dataset.theme
      ? root.dataset.theme === "dark"
      : matchMedia("(prefers-color-scheme: dark)").matches;
    const next = dark ? "light" : "dark";
    apply(next);
    try { localStorage.setItem("theme", next); } catch { /* then it lasts as long as the page */ }
  });
})();
