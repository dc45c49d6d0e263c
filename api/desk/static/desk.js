// What every page of the desk does with a script: warn before a session ends, and keep the focus where it was when a
// part of a page is put in again. Without it every form still works.
"use strict";

(() => {
  const WARNING_MS = 2 * 60 * 1000;
  let timer;

  function watchIdle(endsAt) {
    const dialog = document.getElementById("idle");
    if (!dialog || !endsAt) return;
    clearTimeout(timer);
    timer = setTimeout(() => dialog.showModal(), Math.max(0, Date.parse(endsAt) - Date.now() - WARNING_MS));
  }

  document.addEventListener("DOMContentLoaded", () => watchIdle(document.body.dataset.idleEndsAt));

  // an answer to anything that somebody asked says until when the session goes on from now
  document.addEventListener("htmx:afterRequest", (event) => {
    const endsAt = event.detail.xhr && event.detail.xhr.getResponseHeader("Wegwijs-Idle-Ends");
    if (!endsAt) return;
    watchIdle(endsAt);
    const dialog = document.getElementById("idle");
    if (dialog && dialog.open) dialog.close();
  });
})();
