"use strict";
// Keys for what the page's form does by itself; without this file everything works by mouse, touch and Tab.

const form = document.getElementById("form");
const said = document.getElementById("said");
const MEMORY = "rlhf-collect-keys";
// The stars that L or R has just opened: the next digit is theirs.
let rating = "";

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

function openStars(name) {
  form.querySelector(`input[name="${name}"]:checked`).focus();
  rating = name;
}

function rate(stars) {
  pick(rating, stars);
  // From here on digits choose the better answer again.
  document.activeElement.blur();
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
  l: () => openStars("stars_left"),
  r: () => openStars("stars_right"),
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

// Held down, or part of a letter that is being composed: Safari tells the last of those by its number alone.
function isNoPress(event) {
  return event.repeat || event.isComposing || event.keyCode === 229;
}

function isShortcut(event) {
  return event.ctrlKey || event.metaKey || event.altKey;
}

// Where the browser itself has use for the key: arrows go through radios, Enter follows and presses.
function isNative(event) {
  if (event.target.matches("input[type=radio]")) return event.key.startsWith("Arrow");
  return event.key === "Enter" && event.target.matches("a, button, summary");
}

function actOf(event) {
  if (rating && /^[1-5]$/.test(event.key)) return () => rate(event.key);
  if (event.key === "Escape" && event.target.matches("input")) return () => event.target.blur();
  return KEYS[event.key.length === 1 ? event.key.toLowerCase() : event.key];
}

function onKey(event) {
  if (isNoPress(event) || document.getElementById("keys").open) return;
  if (event.target.matches("textarea")) return inText(event);
  if (isShortcut(event) || isNative(event)) return;
  const act = actOf(event);
  if (!act || !document.getElementById("keys-on").checked) return;
  event.preventDefault();
  act();
}

// A mouse leaves the focus where it clicked: arrows and digits would go on to mean what they mean there.
function leave(event) {
  if (event.detail > 0 && event.target.matches("input[type=radio]")) event.target.blur();
}

function showKeys() {
  document.getElementById("keys").showModal();
  document.getElementById("hide-keys").focus();
}

function areKeysOn() {
  try {
    return localStorage.getItem(MEMORY) !== "off";
  } catch {
    // A browser that keeps nothing.
    return true;
  }
}

function keep(event) {
  try {
    localStorage.setItem(MEMORY, event.target.checked ? "on" : "off");
  } catch {
    // It holds for this page alone then.
  }
}

// The page on which nothing is left to judge has one key.
function onLastPage(event) {
  if (event.key.toLowerCase() !== "b" || isNoPress(event) || isShortcut(event) || !areKeysOn()) return;
  document.getElementById("back").click();
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
  document.getElementById("keys-on").checked = areKeysOn();
  document.getElementById("keys-on").addEventListener("change", keep);
  form.addEventListener("focusout", () => (rating = ""));
  form.addEventListener("click", leave);
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
else if (document.getElementById("back")) document.addEventListener("keydown", onLastPage);
