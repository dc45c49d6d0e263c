// Keeps the board up to date while somebody looks: a stream says that something changed, htmx fetches the part that
// changes, and what has the focus keeps it. It is said honestly when there is no stream: then it asks now and then.
"use strict";

(() => {
  const LEAST_MS = 1000;
  const ASK_MS = 15000;
  const AGES_MS = 60000;
  const PATIENCE_MS = 5000; // a stream ends each minute, and is back within two seconds
  const SILENCE_MS = 75000; // a stream that lives longer than it can is a dead one

  function begin(rows, form, said) {
    let stream, goneSince, silence;
    let state = "";
    let lastAsked = 0;
    let waiting = null;

    function say(next) {
      if (next === state && next !== "gone") return;
      state = next;
      const clock = goneSince && goneSince.toTimeString().slice(0, 5);
      said.textContent = next === "gone" ? `${said.dataset.gone} ${clock}. ${said.dataset.goneThen}` : said.dataset[next];
      said.className = next === "live" ? "good" : next === "begin" ? "" : "warn";
    }

    function asked() {
      const given = [...new FormData(form)].filter(([, value]) => value);
      return new URLSearchParams(given).toString();
    }

    function ask() {
      lastAsked = Date.now();
      waiting = null;
      const query = asked();
      htmx.ajax("GET", query ? `${rows.dataset.now}?${query}` : rows.dataset.now, { source: rows, target: rows, swap: "morph:innerHTML" });
    }

    function refresh() {
      if (waiting === null) waiting = setTimeout(ask, Math.max(0, lastAsked + LEAST_MS - Date.now()));
    }

    function lost(kind) {
      if (!goneSince) goneSince = new Date();
      const since = goneSince;
      if (kind === "full") say("full");
      else setTimeout(() => { if (goneSince === since) say("gone"); }, PATIENCE_MS);
    }

    function sign() {
      goneSince = undefined;
      say("live");
      clearTimeout(silence);
      silence = setTimeout(() => { lost("gone"); listen(); }, SILENCE_MS);
    }

    function listen() {
      if (stream) stream.close();
      stream = new EventSource(rows.dataset.events);
      let missed = true; // what changed after the page was made and before this stream began
      stream.onopen = () => {
        if (missed || state !== "live") refresh();
        missed = false;
        sign();
      };
      for (const name of ["status", "profile"]) stream.addEventListener(name, () => { sign(); refresh(); });
      // closed: the server answered, and not with a stream; else the browser tries again by itself
      stream.onerror = () => lost(stream.readyState === EventSource.CLOSED ? "full" : "gone");
    }

    say("begin");
    listen();
    setInterval(() => {
      if (document.hidden) return;
      if (state !== "live" || Date.now() - lastAsked > AGES_MS) refresh();
      if (stream.readyState === EventSource.CLOSED) listen();
    }, ASK_MS);
    document.addEventListener("visibilitychange", () => {
      // there are only so many streams: a page that nobody sees needs none
      if (document.hidden) {
        clearTimeout(silence);
        stream.close();
      } else {
        refresh();
        listen();
      }
    });

    let typing;
    form.addEventListener("input", () => {
      clearTimeout(typing);
      typing = setTimeout(() => {
        const query = asked();
        history.replaceState(null, "", query ? `?${query}` : location.pathname);
        refresh();
      }, 300);
    });
    form.addEventListener("submit", (event) => { event.preventDefault(); refresh(); });
    // a problem is a whole page, which has no place in this part of one; what stands there stays, and its age is said
    document.addEventListener("htmx:beforeSwap", (event) => {
      const { xhr, target } = event.detail;
      if (target === rows && xhr.status >= 400 && xhr.status !== 401) event.detail.shouldSwap = false;
    });
    document.addEventListener("htmx:sendError", () => lost("gone"));
  }

  document.addEventListener("DOMContentLoaded", () => {
    const rows = document.getElementById("board-rows");
    if (rows && window.EventSource) begin(rows, document.getElementById("board-filter"), document.getElementById("live"));
  });
})();
