"use strict";
// Keys for what the page's form does by itself; without this file everything works by mouse, touch and Tab.

const form = document.getElementById("form");
const said = document.getElementById("said");
const MEMORY = "rlhf-collect-keys";

function pick(name, value) {
  const found = form.querySelector(`input[name="${name}"][value="${value}"]`);
  found.checked = true;
  found.dispatchEvent(new Event("change", { bubbles: true }));
  say(found.labels[0].firstElementChild.nextElementSibling.firstChild.textContent.trim());
}

function say(text) {
  said.textContent = text;
}

function openAt(details) {
  if (!details) return;
  details.open = true;
  const text = details.querySelector("textarea");
  text.focus();
  // Out from behind the bar that stays at the foot.
  text.scrollIntoView({ block: "center" });
}

function edit() {
  const better = form.elements.choice.value;
  if (better === "left" || better === "right") openAt(document.getElementById(`edit-${better}`));
  else document.getElementById("choice").focus();
}

const KEYS = {
  ArrowLeft: () => pick("choice", "left"),
  ArrowRight: () => pick("choice", "right"),
  1: () => pick("choice", "left"),
  2: () => pick("choice", "right"),
  3: () => pick("choice", "tie"),
  4: () => pick("choice", "bad"),
  s: () => pick("strength", "slightly"),
  c: () => pick("strength", "clearly"),
  l: () => form.querySelector('input[name="stars_left"]:checked').focus(),
  r: () => form.querySelector('input[name="stars_right"]:checked').focus(),
  e: edit,
  m: () => openAt(document.getElementById("commenting")),
  k: () => document.getElementById("skip").click(),
  b: () => document.getElementById("back").click(),
  Enter: () => form.requestSubmit(form.querySelector("button.main")),
  "?": () => showKeys(),
};

function inText(event) {
  if (event.key === "Escape") event.target.blur();
  else if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) KEYS.Enter();
  else return;
  event.preventDefault();
}

// True where the stars themselves have use for the key.
function inStars(event) {
  if (/^[1-5]$/.test(event.key)) pick(event.target.name, event.key);
  else if (event.key === "Escape") event.target.blur();
  else return event.key.startsWith("Arrow");
  event.preventDefault();
  return true;
}

function onKey(event) {
  const target = event.target;
  if (document.getElementById("keys").open || event.isComposing) return;
  if (target.matches("textarea")) return inText(event);
  if (event.ctrlKey || event.metaKey || event.altKey) return;
  if (target.matches('input[name^="stars_"]') && inStars(event)) return;
  if (event.key === "Enter" && target.matches("a, button, summary")) return;
  const act = KEYS[event.key.length === 1 ? event.key.toLowerCase() : event.key];
  if (!act || !document.getElementById("keys-on").checked) return;
  event.preventDefault();
  act();
}

function showKeys() {
  document.getElementById("keys").showModal();
  document.getElementById("hide-keys").focus();
}

function remember(box) {
  try {
    box.checked = localStorage.getItem(MEMORY) !== "off";
    box.addEventListener("change", () => localStorage.setItem(MEMORY, box.checked ? "on" : "off"));
  } catch {
    // A browser that keeps nothing: the keys are on.
  }
}

// A double click sends once; the server would store once, too.
function sendOnce(event) {
  if (form.dataset.sent) event.preventDefault();
  form.dataset.sent = "yes";
}

function begin() {
  const button = document.getElementById("show-keys");
  button.hidden = false;
  button.addEventListener("click", showKeys);
  document.getElementById("hide-keys").addEventListener("click", () => document.getElementById("keys").close());
  remember(document.getElementById("keys-on"));
  form.addEventListener("submit", sendOnce);
  addEventListener("pageshow", () => delete form.dataset.sent);
  document.addEventListener("keydown", onKey);
  document.getElementById("fault")?.focus();
  // A live region is read aloud when it changes, not when the page comes with it.
  const text = said.textContent;
  said.textContent = "";
  setTimeout(() => said.textContent ||= text, 100);
}

if (form) begin();
else if (document.getElementById("back")) {
  document.addEventListener("keydown", (event) => {
    if (event.key === "b" && !event.ctrlKey && !event.metaKey && !event.altKey) document.getElementById("back").click();
  });
}
