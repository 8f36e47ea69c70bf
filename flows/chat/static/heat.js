"use strict";
// Tokens in the colours of what they did, and what exactly that was, by pointer and by keys.

const METRICS = ["reward", "kl", "value"];
const figures = new WeakMap();

function addHeat(card, heat) {
  const text = card.querySelector(".text"), characters = [...text.textContent];
  const numbers = name => (heat[name] || "").split(" ").filter(Boolean).map(Number);
  const found = Object.fromEntries(METRICS.map(name => [name, numbers(name)]));
  let start = 0;
  text.replaceChildren(...numbers("lengths").map((length, place) => {
    const token = document.createElement("span");
    token.textContent = characters.slice(start, start += length).join("");
    figures.set(token, Object.fromEntries(METRICS.map(name => [name, found[name][place] / 1000])));
    return token;
  }));
  const choice = card.querySelector(".heat");
  for (const name of ["off", ...METRICS.filter(each => found[each].length)]) choice.append(radio(card, name));
  choice.hidden = false;
  choice.addEventListener("change", () => paint(card, heat.scales));
}

function radio(card, name) {
  const label = document.createElement("label"), input = document.createElement("input");
  const word = document.createElement("span");
  Object.assign(input, { type: "radio", name: `heat-${card.id}`, value: name, checked: name === "off" });
  word.textContent = say(name);
  label.append(input, word);
  return label;
}

function metricOf(card) {
  return card.querySelector(".heat input:checked")?.value ?? "off";
}

function classOf(token, figure, scale) {
  const level = Math.min(4, Math.round(4 * Math.abs(figure) / scale));
  return `token${token.textContent ? "" : " bare"}${level ? ` ${figure > 0 ? "up" : "down"}${level}` : ""}`;
}

function paint(card, scales) {
  const metric = metricOf(card), legend = card.querySelector(".legend"), text = card.querySelector(".text");
  const isOff = metric === "off";
  legend.hidden = isOff;
  if (!isOff) legend.textContent = say("legend", { low: signed(-scales[metric], 3), high: signed(scales[metric], 3) });
  for (const [place, token] of [...text.children].entries()) {
    token.className = isOff ? "" : classOf(token, figures.get(token)[metric], scales[metric]);
    if (isOff) token.removeAttribute("tabindex");
    else token.tabIndex = place ? -1 : 0;
  }
  const about = { role: "group", "aria-label": say("tokens", { name: card.querySelector(".name").textContent }) };
  for (const [name, value] of Object.entries(about)) isOff ? text.removeAttribute(name) : text.setAttribute(name, value);
  one("readout").hidden = true;
}

function cycle(card) {
  const choices = [...card.querySelectorAll(".heat input")];
  const next = choices[(choices.findIndex(choice => choice.checked) + 1) % choices.length];
  if (!next) return;
  next.checked = true;
  next.dispatchEvent(new Event("change", { bubbles: true }));
}

// Left and right on a token go to the ones beside it.
function moveAmongTokens(event) {
  const step = { ArrowRight: "nextElementSibling", ArrowLeft: "previousElementSibling" }[event.key];
  if (!step || !event.target.matches(".token")) return false;
  event.preventDefault();
  const next = event.target[step];
  if (!next) return true;
  event.target.tabIndex = -1;
  next.tabIndex = 0;
  next.focus();
  return true;
}

function readOut(event) {
  const token = event.target instanceof Element ? event.target.closest(".token") : null;
  const readout = one("readout");
  readout.hidden = !token;
  if (!token) return;
  const told = METRICS.filter(name => !Number.isNaN(figures.get(token)[name]))
    .map(name => `${say(name)} ${signed(figures.get(token)[name], 3)}`);
  readout.textContent = [token.textContent ? `“${token.textContent}”` : say("no_text"), ...told].join(" · ");
}
