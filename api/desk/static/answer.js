// The page of a decision with a script: clocks of norms run down, a key chooses a reason while one is in the list, what
// the address names is opened, and a sheet can be printed by a button. Without it every moment and form still stands there.
"use strict";

(() => {
  const EVERY_MS = 10 * 1000;
  const MINUTE_MS = 60 * 1000;

  function runClocks(page) {
    // by the clock of the server: that of this computer may be wrong
    const ahead = Date.parse(page.dataset.now) - Date.now();
    for (const clock of page.querySelectorAll("[data-ends-at]")) {
      const left = Math.floor((Date.parse(clock.dataset.endsAt) - Date.now() - ahead) / MINUTE_MS);
      const shown = clock.querySelector(".left");
      const words = left >= 0 ? page.dataset.left.replace("{}", left) : page.dataset.over.replace("{}", -left);
      shown.textContent = words;
      shown.classList.toggle("over", left < 0);
    }
    return ahead;
  }

  function keepClocks(page) {
    const ahead = runClocks(page);
    setInterval(() => {
      page.dataset.now = new Date(Date.now() + ahead).toISOString();
      runClocks(page);
    }, EVERY_MS);
  }

  function chooseByKey(list) {
    list.addEventListener("keydown", (event) => {
      if (event.ctrlKey || event.altKey || event.metaKey || event.target.type !== "radio") return;
      const chosen = list.querySelector(`[data-key="${CSS.escape(event.key.toLowerCase())}"]`);
      if (!chosen) return;
      event.preventDefault();
      chosen.checked = true;
      chosen.focus();
    });
  }

  // a form that a link leads to is opened, and the first field of it gets the focus
  function openNamed() {
    const named = location.hash && document.getElementById(location.hash.slice(1));
    if (!named || named.tagName !== "DETAILS" || named.open) return;
    named.open = true;
    const first = named.querySelector("input:not([type=hidden]), select, textarea");
    if (first) first.focus();
  }

  document.addEventListener("DOMContentLoaded", () => {
    const page = document.querySelector(".answer");
    if (page) keepClocks(page);
    document.querySelectorAll("[data-keys]").forEach(chooseByKey);
    for (const button of document.querySelectorAll("[data-print]")) {
      button.hidden = false;
      button.addEventListener("click", () => window.print());
    }
    openNamed();
  });
  window.addEventListener("hashchange", openNamed);
})();
