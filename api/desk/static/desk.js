// What every page of the desk does with a script: warn before a session ends, leave nothing on the screen after that, and
// say when the server does not answer. Without it every form still works.
"use strict";

(() => {
  const WARNING_MS = 2 * 60 * 1000;
  const LOOK_MS = 15 * 1000; // a computer that slept stood still, and so did its timers
  const others = window.BroadcastChannel ? new BroadcastChannel("wegwijs-session") : null;
  const held = []; // what waits until somebody says to be there
  let endsAt;

  const dialog = () => document.getElementById("idle");
  const above = () => document.getElementById("ended");

  function look() {
    const left = endsAt - Date.now();
    if (left <= 0) location.replace(document.body.dataset.door);
    else if (left <= WARNING_MS && !dialog().open) dialog().showModal();
  }

  // the server says how long, not until when: the clock of this computer may be wrong
  function goesOn(seconds) {
    if (!dialog()) return;
    endsAt = Date.now() + Number(seconds) * 1000;
    if (dialog().open && endsAt - Date.now() > WARNING_MS) dialog().close();
    look();
  }

  function tell(seconds) {
    goesOn(seconds);
    if (others) others.postMessage(seconds);
  }

  document.addEventListener("DOMContentLoaded", () => {
    if (!document.body.dataset.idleSeconds) return;
    tell(document.body.dataset.idleSeconds);
    setInterval(look, LOOK_MS);
    document.addEventListener("visibilitychange", look);
    // what is asked on another page of this browser makes the same session last
    if (others) others.onmessage = (event) => goesOn(event.data);
    // who closes the question is there
    dialog().addEventListener("cancel", (event) => {
      event.preventDefault();
      dialog().querySelector("form").requestSubmit();
    });
    dialog().addEventListener("close", () => {
      for (const send of held.splice(0)) send();
    });
  });

  // the question takes the focus from the field in which somebody typed, who may have left: that is no sign of anybody,
  // and would make the session last as long again
  document.addEventListener("htmx:confirm", (event) => {
    if (!dialog() || !dialog().open || dialog().contains(event.detail.elt)) return;
    event.preventDefault();
    held.push(() => event.detail.issueRequest(true));
  });

  document.addEventListener("htmx:afterRequest", (event) => {
    const seconds = event.detail.xhr && event.detail.xhr.getResponseHeader("Wegwijs-Idle-Seconds");
    if (seconds) tell(seconds);
    const { status } = event.detail.xhr;
    if (status >= 200 && status < 400) above().replaceChildren();
  });

  function lost() {
    const said = document.createElement("p");
    said.className = "fault";
    said.textContent = above().dataset.lost;
    above().replaceChildren(said);
  }
  for (const name of ["htmx:sendError", "htmx:timeout"]) document.addEventListener(name, lost);
})();
