"use strict";
// Asks the server and shows what it says while it says it. All of it goes into the document as text.
// heat.js colours the tokens.

const one = id => document.getElementById(id);
const form = one("ask");
const WORDS = form ? JSON.parse(form.dataset.words) : {};
let running = null;
let cards = 0;

function say(key, what = {}) {
  return WORDS[key].replace(/\{(\w+)\}/g, (_, name) => what[name]);
}

function tell(text) {
  one("said").textContent = text;
}

function complain(text) {
  one("fault").textContent = text;
  one("fault").hidden = !text;
}

function signed(number, digits) {
  return (number < 0 ? "−" : "+") + Math.abs(number).toFixed(digits);
}

// What a server says went wrong; one that is none of ours says nothing we know.
async function complaintOf(response) {
  try {
    const found = await response.json();
    return say(found.error, found);
  } catch {
    return say("failed", { what: String(response.status) });
  }
}

function post(path, body, signal) {
  return fetch(path, {
    method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify(body), signal,
  });
}

// Objects from lines of JSON that come in parts; a part may end within a character.
async function* linesOf(body) {
  const reader = body.getReader();
  const decoder = new TextDecoder();
  let left = "";
  for (let part = await reader.read(); !part.done; part = await reader.read()) {
    const lines = (left + decoder.decode(part.value, { stream: true })).split("\n");
    left = lines.pop();
    for (const line of lines) yield JSON.parse(line);
  }
}

function newCard(kind) {
  const card = one("answer").content.cloneNode(true).firstElementChild;
  const number = ++cards;
  card.id = `card-${number}`;
  card.querySelector("h2").id = `name-${number}`;
  card.setAttribute("aria-labelledby", `name-${number}`);
  card.setAttribute("aria-busy", "true");
  card.querySelector(".name").textContent = say(kind);
  card.querySelector(".figures").textContent = say("thinking", { name: say(kind) });
  one("answers").append(card);
  return card;
}

const SHOW = {
  begin(card, found) {
    card.querySelector(".version").textContent = `${found.version}, ${one("seed").labels[0].firstElementChild.textContent} ${found.seed}`;
    card.querySelector(".figures").textContent = "";
  },
  text(card, found) {
    card.querySelector(".text").append(found.text);
  },
  end(card, found) {
    card.dataset.answer = found.answer;
    card.querySelector(".figures").textContent = found.reason === "length" ? say("cut", found) : "";
    card.querySelector(".after").hidden = false;
  },
  score(card, found) {
    const parts = [say("score", { score: signed(found.score, 2) })];
    if (found.stars !== null) parts.push(say("stars", { stars: found.stars.toFixed(1) }));
    const cut = card.querySelector(".figures").textContent;
    card.querySelector(".figures").textContent = [...parts, cut].filter(Boolean).join(" · ");
    if (found.heat) addHeat(card, found.heat);
  },
  failed(card, found) {
    card.querySelector(".figures").textContent = "";
    complain(say("failed", found));
  },
};

async function askOne(kind, question, signal) {
  const card = newCard(kind);
  try {
    const response = await post("/answer", { model: kind, ...question }, signal);
    if (!response.ok) throw new Error(await complaintOf(response));
    for await (const found of linesOf(response.body)) SHOW[found.kind](card, found);
    if (card.dataset.answer) tell(say("finished", { name: say(kind) }));
  } catch (error) {
    if (error.name === "AbortError") tell(say("stopped"));
    else complain(error instanceof TypeError ? say("lost") : error.message);
    if (!card.querySelector(".text").textContent) card.remove();
    else card.querySelector(".figures").textContent = "";
  }
  card.removeAttribute("aria-busy");
}

function numberIn(id) {
  return one(id).value === "" ? null : Number(one(id).value);
}

async function ask(event) {
  event.preventDefault();
  if (running) return;
  const whom = form.elements.whom.value;
  const question = {
    prompt: one("prompt").value, temperature: numberIn("temperature"),
    max_tokens: numberIn("max-tokens"), seed: numberIn("seed"),
  };
  complain("");
  tell("");
  one("answers").replaceChildren();
  one("readout").hidden = true;
  running = new AbortController();
  one("stop").disabled = false;
  const kinds = whom === "both" ? ["champion", "candidate"] : [whom];
  await Promise.all(kinds.map(kind => askOne(kind, question, running.signal)));
  running = null;
  one("stop").disabled = true;
}

// Thumbs, one after the other. A pressed one that is pressed again is taken back; a double click gives it once.
const turns = new WeakMap();

async function give(card, thumb) {
  if (!card.dataset.answer || card.dataset.giving === thumb) return;
  card.dataset.giving = thumb;
  const before = turns.get(card);
  const turn = (async () => {
    await before;
    await send(card, thumb);
  })();
  turns.set(card, turn);
  await turn;
  if (turns.get(card) === turn) delete card.dataset.giving;
}

async function send(card, thumb) {
  const buttons = { up: card.querySelector(".good"), down: card.querySelector(".poor") };
  const wanted = buttons[thumb].getAttribute("aria-pressed") === "true" ? "none" : thumb;
  complain("");
  try {
    const response = await post("/thumb", { answer: card.dataset.answer, thumb: wanted });
    if (!response.ok) throw new Error(await complaintOf(response));
    const found = await response.json();
    for (const name of ["up", "down"]) buttons[name].setAttribute("aria-pressed", String(name === wanted));
    tell(say(found.said));
  } catch (error) {
    complain(error instanceof TypeError ? say("lost") : error.message);
  }
}

// Keys. Those of an answer act only while the focus is in it.
const IN_ANSWER = {
  "+": card => give(card, "up"),
  "-": card => give(card, "down"),
  h: cycle,
  ArrowRight: card => card.nextElementSibling?.focus(),
  ArrowLeft: card => card.previousElementSibling?.focus(),
};

function onKey(event) {
  // Part of a letter that is being composed: Safari tells the last of those by its number alone.
  if (event.isComposing || event.keyCode === 229 || event.ctrlKey || event.metaKey || event.altKey) return;
  if (event.key === "Escape" && running) return running.abort();
  if (event.target === one("prompt") && event.key === "Enter" && !event.shiftKey) {
    event.preventDefault();
    return form.requestSubmit();
  }
  if (moveAmongTokens(event)) return;
  const card = event.target.closest(".answer"), act = IN_ANSWER[event.key.length === 1 ? event.key.toLowerCase() : event.key];
  if (!card || !act || event.repeat || (event.target.matches("input") && event.key.startsWith("Arrow"))) return;
  event.preventDefault();
  act(card);
}

function onClick(event) {
  const card = event.target.closest(".answer");
  if (event.target.closest(".good")) give(card, "up");
  if (event.target.closest(".poor")) give(card, "down");
}

if (form) {
  form.addEventListener("submit", ask);
  one("stop").addEventListener("click", () => running?.abort());
  one("answers").addEventListener("click", onClick);
  for (const kind of ["pointerover", "click", "focusin"]) one("answers").addEventListener(kind, readOut);
  document.addEventListener("keydown", onKey);
}
