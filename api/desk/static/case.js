// A new case by keyboard: choosing a complaint, answering with one key, and deciding. The focus never moves to a
// question that nobody asked for while somebody is about to answer another one.
import Combobox from "./vendor/combobox-nav.js";

const SETTLE_MS = 250;
const form = document.getElementById("case");

document.documentElement.classList.add("script");

// -- the complaint: a list that follows what is typed, with synonyms ----------------------------------------------------

const input = document.getElementById("complaint");
const list = document.getElementById("complaint-list");
const none = document.getElementById("complaint-none");
const unsure = document.getElementById("complaint-unsure");
const complaints = [...document.querySelectorAll("#complaints option")].map((option) => ({
  label: option.value,
  names: (option.dataset.names || "").split("|").filter(Boolean),
}));
input.removeAttribute("list");
input.setAttribute("autocomplete", "off");
const combobox = new Combobox(input, list);

function plain(text) {
  return text.normalize("NFD").replace(/\p{M}/gu, "").toLowerCase();
}

// how a name was found by what is typed: whole, from its beginning, from that of one of its words, or in the middle of one
const WHOLE = 0, BEGINS = 1, WORD = 2, WITHIN = 3;

function foundBy(wanted, name) {
  const all = plain(name);
  if (all === wanted) return WHOLE;
  if (all.startsWith(wanted)) return BEGINS;
  if (all.split(/[^\p{L}\p{N}]+/u).some((word) => word.startsWith(wanted))) return WORD;
  return all.includes(wanted) ? WITHIN : null;
}

// the best first, and the shorter where two are as good: who types "buikp" means "buikpijn" sooner than "buikpijn kind"
function matching(typed) {
  const wanted = plain(typed.trim());
  if (!wanted) return [];
  const found = [];
  for (const { label, names } of complaints) {
    const hits = [label, ...names].map((name) => ({ label, hit: name, how: foundBy(wanted, name) })).filter((each) => each.how !== null);
    if (hits.length) found.push(hits.reduce((best, each) => (each.how < best.how ? each : best)));
  }
  return found.sort((a, b) => a.how - b.how || a.hit.length - b.hit.length).slice(0, 12);
}

function openList() {
  const found = matching(input.value);
  list.replaceChildren(
    ...found.map(({ label, hit }, number) => {
      const option = document.createElement("li");
      option.setAttribute("role", "option");
      option.id = `complaint-option-${number}`;
      option.dataset.label = label;
      option.textContent = label;
      if (hit !== label) {
        const also = document.createElement("span");
        also.className = "hint";
        also.textContent = ` ${hit}`;
        option.append(also);
      }
      return option;
    }),
  );
  combobox.stop();
  list.hidden = found.length === 0;
  none.hidden = found.length > 0 || !input.value.trim();
  // what was found in the middle of a word ("drenkeling" by "enkel") is only taken by who chooses it
  const sure = found.length > 0 && found[0].how !== WITHIN;
  unsure.hidden = sure || found.length === 0;
  combobox.firstOptionSelectionMode = sure ? "selected" : "none";
  if (found.length) combobox.start();
}

function closeList() {
  list.hidden = true;
  none.hidden = true;
  unsure.hidden = true;
  combobox.stop();
}

function choose(label) {
  input.value = label;
  closeList();
  document.getElementById("age").focus();
  input.dispatchEvent(new Event("change", { bubbles: true }));
}

input.addEventListener("input", (event) => {
  event.stopPropagation(); // half a word is no complaint yet
  openList();
});
input.addEventListener("blur", () => setTimeout(closeList, 150)); // a click on an option comes first
input.addEventListener("keydown", (event) => {
  if (event.key === "Escape") closeList();
  if (event.key === "Enter" && list.hidden && !event.ctrlKey) {
    event.preventDefault();
    document.getElementById("age").focus();
  }
});
list.addEventListener("combobox-commit", (event) => choose(event.target.closest("[role=option]").dataset.label));

// -- answering with one key ---------------------------------------------------------------------------------------------

function openQuestions() {
  return [...document.querySelectorAll("#questions > .question")];
}

function focusOn(question) {
  const field = question && (question.querySelector("input:checked") || question.querySelector("input, select"));
  if (field) field.focus();
  return Boolean(field);
}

function focusAfter(question) {
  const all = openQuestions();
  const at = all.indexOf(question);
  const next = at === -1 ? all[0] : all[at + 1] || all.find((each) => each !== question);
  if (!focusOn(next)) document.getElementById("decide").focus();
}

// also where the focus is on nothing: who decides must not have to look for it first
document.addEventListener("keydown", (event) => {
  if (event.key !== "Enter" || !event.ctrlKey || !(event.target === document.body || form.contains(event.target))) return;
  event.preventDefault();
  document.getElementById("decide").click();
});

// where a key leads: a digit to that question, a letter of ABCDE to what is measured for it
function goTo(key) {
  if (/^[1-9]$/.test(key)) return focusOn(openQuestions()[Number(key) - 1]);
  const letter = /^[a-z]$/.test(key) && form.querySelector(`.letter[data-key="${key}"]`);
  return Boolean(letter) && focusOn(letter);
}

const [UNKNOWN_KEY, UNKNOWN] = document.documentElement.lang === "en" ? ["u", "unknown"] : ["o", "onbekend"];
const MEASURED = ".question input:not([type=radio]), .vital input";

function answered(target, question) {
  if (question && question.closest("#questions")) focusAfter(question);
  target.dispatchEvent(new Event("change", { bubbles: true }));
}

form.addEventListener("keydown", (event) => {
  const { target } = event;
  const key = event.key.length === 1 ? event.key.toLowerCase() : event.key;
  if (event.ctrlKey || event.altKey || event.metaKey) return;
  const question = target.closest(".question");
  if (target.type === "radio") {
    const answer = [...target.closest("fieldset").querySelectorAll("input")].find((each) => each.dataset.key === key);
    if (answer) {
      event.preventDefault();
      if (question && question.classList.contains("settling")) return;
      answer.checked = true;
      if (!question || !question.closest("#questions")) answer.focus();
      answered(answer, question);
      return;
    }
  }
  if (target.matches(MEASURED) && /^\p{L}$/u.test(key)) {
    // no letter is part of a number or a time: it was meant for something else, and must not stand there unseen
    event.preventDefault();
    if (question && question.classList.contains("settling")) return;
    if (question && key === UNKNOWN_KEY) {
      target.value = UNKNOWN;
      answered(target, question);
    } else goTo(key);
    return;
  }
  if (target.matches(".vital select, :not(input, select)") || target.type === "radio") {
    if (goTo(key)) event.preventDefault();
  }
  if (key === "Enter" && target.id === "find") {
    event.preventDefault();
    document.getElementById("find-it").click();
    return;
  }
  if (key === "Enter" && target.matches("input:not([type=radio])") && target.id !== "complaint") {
    event.preventDefault();
    answered(target, question);
  }
});

// -- the focus stays on the fact it was on; where that is gone it goes to the question to ask now -----------------------

let held = null;
let heldOpen = false; // whether that was a question still, and not what is known

document.addEventListener("htmx:beforeSwap", () => {
  const active = document.activeElement;
  if (active === document.body) return; // the answer before this one took it away, and it is about to come back
  const question = active.closest("#asked .question");
  held = question ? active.id : null;
  heldOpen = Boolean(question && question.closest("#questions"));
});

document.addEventListener("htmx:afterSettle", (event) => {
  const find = document.getElementById("find");
  const sent = event.detail.requestConfig.parameters;
  // only what was looked for is done with: an answer to something else must not wipe what is being typed
  if (sent.do === "find" && find.value === sent.find && !document.querySelector("#wrong-find .wrong")) find.value = "";
  if (held === null) return;
  const active = document.activeElement;
  const kept = document.getElementById(held);
  // it was answered and went to what is known, with the focus: the next key is not meant to change that answer
  const gone = heldOpen && active === kept && active.type === "radio" && !active.closest("#questions");
  if (active !== document.body && !gone) return;
  held = null;
  if (kept && kept.closest("#questions")) kept.focus();
  else if (focusOn(openQuestions()[0])) settle(openQuestions()[0]);
  else document.getElementById("decide").focus();
});

// a key that is pressed sooner after the focus was moved was meant for the question before: it does nothing
function settle(question) {
  question.classList.add("settling");
  setTimeout(() => question.classList.remove("settling"), SETTLE_MS);
}

// what is wrong with a vital sign is said beneath their row; its field must be found from there
document.addEventListener("htmx:afterSettle", () => {
  for (const said of form.querySelectorAll("[id^=vital-wrong-]")) {
    const field = document.getElementById(said.id.replace("vital-wrong-", "f."));
    if (said.childElementCount) field.setAttribute("aria-invalid", "true");
    else field.removeAttribute("aria-invalid");
  }
});

// "nu" is the minute in which it reached the server; that is written in its place, so that it does not move along
document.addEventListener("wegwijs:moments", (event) => {
  for (const [id, at] of Object.entries(event.detail)) {
    const field = document.getElementById(id);
    if (field && /^(nu|now)$/i.test(field.value.trim())) field.value = at;
  }
});

// -- an answer that comes late: what was filled in since it was asked for stays -----------------------------------------

const AGAIN_MS = 3000;
const part = document.getElementById("asked");
let asked = new Map(); // what stood in the part that is put in again, when that was asked for
let since = [];
let caret = null;
let deciding = null; // the event by which somebody decided, until the server answered
let again;

const isForm = (event) => event.detail.elt === form;

function filledIn() {
  return new Map([...new FormData(form)].filter(([name]) => name.startsWith("f.") && part.querySelector(`[name="${name}"]`)));
}

function fillIn(name, value) {
  const fields = [...form.querySelectorAll(`[name="${name}"]`)];
  if (!fields.length) {
    // it is not asked any more, and answered all the same
    const kept = document.createElement("input");
    Object.assign(kept, { type: "hidden", name, value });
    part.append(kept);
  }
  for (const field of fields) {
    if (field.type === "radio") field.checked = field.value === value;
    else if (field.value !== value) field.value = value;
  }
}

document.addEventListener("htmx:configRequest", (event) => {
  if (!isForm(event)) return;
  asked = filledIn();
  // a button counts for the press on it and for nothing after that: htmx remembers the last one until the focus leaves it,
  // and a script that presses it, or a focus that rests on it, would decide with the next thing that is typed
  const { triggeringEvent: by, formData } = event.detail;
  const pressed = by && by.type === "submit" && by.submitter;
  formData.delete("do");
  if (pressed && pressed.name === "do") formData.set("do", pressed.value);
});

document.addEventListener("htmx:beforeSwap", (event) => {
  if (event.detail.target !== part) return;
  since = [...filledIn()].filter(([name, value]) => asked.get(name) !== value);
  const active = document.activeElement;
  caret = part.contains(active) && active.type === "text" ? [active.id, active.selectionStart, active.selectionEnd] : null;
});

document.addEventListener("htmx:afterSwap", (event) => {
  if (event.detail.target !== part) return;
  for (const [name, value] of since) fillIn(name, value);
  const field = caret && document.getElementById(caret[0]);
  if (field && field === document.activeElement) field.setSelectionRange(caret[1], caret[2]);
});

// once somebody decides, nothing that was typed before may take the place of that in the queue
document.addEventListener("htmx:confirm", (event) => {
  if (!isForm(event)) return;
  clearTimeout(again);
  const by = event.detail.triggeringEvent;
  // what waited in the queue is asked here once more
  if (deciding && by !== deciding) event.preventDefault();
  const submitter = by && by.submitter;
  if (submitter && submitter.dataset.sure && !window.confirm(submitter.dataset.sure)) event.preventDefault();
  if (!deciding && submitter && submitter.id === "decide") {
    deciding = by;
    submitter.setAttribute("aria-busy", "true");
  }
});

document.addEventListener("htmx:afterRequest", (event) => {
  if (!isForm(event)) return;
  const { xhr, requestConfig } = event.detail;
  const decided = requestConfig.parameters.do === "decide";
  if (decided && !xhr.getResponseHeader("HX-Redirect")) {
    deciding = null;
    document.getElementById("decide").removeAttribute("aria-busy");
  }
  // the server did not answer, or has no database now: what stands here must reach it all the same
  if (xhr.status === 0 || xhr.status >= 500) again = setTimeout(() => htmx.trigger(form, "change"), AGAIN_MS);
});

// -- the place by a click on the map ------------------------------------------------------------------------------------

const [lat, lon] = ["picked-lat", "picked-lon"].map((id) => document.getElementById(id));
const place = document.getElementById("place");

for (const picked of [lat, lon]) picked.addEventListener("input", (event) => event.stopPropagation());
lat.addEventListener("change", (event) => event.stopPropagation());
lon.addEventListener("change", (event) => {
  event.stopPropagation();
  place.value = `${lat.value}, ${lon.value}`;
  place.dispatchEvent(new Event("change", { bubbles: true }));
});
