// Labelling: a key, and the next galaxy is there. What was decided is sent at once, one after another, and waits in this
// browser until the server has it on its disk.

import { ask, element } from "./site.js";

const desk = document.getElementById("desk");
const words = desk.dataset;
const home = words.home;
const query = words.query.replace(/^\?/, "");
const buttons = [...document.querySelectorAll(".choices button")];
const told = document.getElementById("told");
const wrong = document.getElementById("wrong");
const picture = document.getElementById("picture");
const who = document.querySelector("#who input[name=who]");

let now = JSON.parse(words.item);
let shownAt = performance.now();
let cursor = now?.at ?? 0;
let ahead = [];
let asking = null;
let ended = false;
let sending = null;
const seen = [];
const preloaded = new Map();

// --- which galaxy comes next -------------------------------------------------------------------------------------

async function refill() {
  if (asking || ended) return asking;
  const from = (ahead.at(-1)?.at ?? cursor) + 1;
  asking = ask(`${home}/queue?${query}&at=${from}&open=1`)
    .then((answer) => {
      if (!answer.galaxies.length) ended = true;
      const known = new Set([now?.id, ...seen.map((one) => one.id), ...ahead.map((one) => one.id)]);
      ahead.push(...answer.galaxies.filter((one) => !known.has(one.id) || one.at > from));
      preload();
    })
    .catch((error) => complain(error.message))
    .finally(() => {
      asking = null;
    });
  return asking;
}

function preload() {
  for (const one of ahead.slice(0, 4)) {
    if (!one.picture || preloaded.has(one.picture)) continue;
    const image = new Image();
    image.src = one.picture;
    preloaded.set(one.picture, image);
  }
  while (preloaded.size > 12) preloaded.delete(preloaded.keys().next().value);
}

async function next(said) {
  if (now) seen.push(now);
  // A key that comes before the next galaxy is there is about no galaxy.
  now = null;
  if (!ahead.length) await refill();
  show(ahead.shift() ?? null, said);
  if (ahead.length < 6) refill();
  preload();
}

async function look(step) {
  const at = (now?.at ?? cursor) + step;
  if (at < 0 || at >= Number(words.count)) return;
  try {
    const answer = await ask(`${home}/queue?${query}&at=${at}`);
    if (answer.galaxies.length) show(answer.galaxies[0]);
  } catch (error) {
    complain(error.message);
  }
}

/** Show a galaxy; `said` is what was just done, and else the line tells what was decided of this galaxy before. */
function show(one, said) {
  now = one;
  desk.hidden = !one;
  document.getElementById("done").hidden = Boolean(one);
  if (!one) {
    document.getElementById("done").querySelector("a").focus();
    return;
  }
  if (one.at !== null) cursor = one.at;
  shownAt = performance.now();
  picture.hidden = !one.picture;
  document.getElementById("empty").hidden = Boolean(one.picture);
  if (one.picture) {
    picture.src = one.picture;
    picture.alt = fill(words.picture, { id: one.id });
  }
  document.getElementById("id").textContent = one.id;
  const form = document.getElementById("decide");
  form.elements.row.value = one.row;
  form.elements.id.value = one.id;
  for (const button of buttons) {
    if (button.value === one.mine) button.setAttribute("aria-pressed", "true");
    else button.removeAttribute("aria-pressed");
  }
  const mine = one.mine ? fill(words.yours, { label: called(one.mine) }) : "";
  announce(said ?? mine);
  document.getElementById("place").textContent = fill(words.place, { at: cursor + 1, count: Number(words.count) });
  say(one);
  const known = document.getElementById("known");
  known.replaceChildren(
    ...Object.entries(one.known).flatMap(([name, value]) => [element("dt", {}, name), element("dd", { class: "n" }, String(value))]),
  );
  const address = new URLSearchParams(query);
  if (one.at !== null) address.set("at", one.at);
  history.replaceState(null, "", `?${address}`);
  for (const [name, step] of [["before", -1], ["skip", 1]]) {
    address.set("at", Math.max(0, cursor + step));
    document.getElementById(name).href = `?${address}`;
  }
  document.getElementById("before").hidden = cursor === 0;
  stay();
}

/** Let what loads the page anew (blind, another language, another name) stay at the galaxy that is shown. */
function stay() {
  for (const link of document.querySelectorAll("#blind, .languages a")) {
    const address = new URL(link.href);
    address.searchParams.set("at", cursor);
    link.href = address.href;
  }
  who.form.elements.at.value = cursor;
}

function say(one) {
  const box = document.getElementById("says");
  const parts = [];
  if (!one.says) parts.push(element("p", { class: "soft" }, words.hidden));
  else if (one.status) parts.push(element("p", { class: "warning" }, fill(words.nothing, { status: one.status })));
  else {
    const { probabilities, likely, unlike } = one.says;
    parts.push(element("h2", {}, words.says));
    if (unlike) parts.push(element("p", { class: "warning" }, words.unlike));
    const rows = probabilities.slice(0, 5).map(([name, share]) => {
      const hollow = likely && !likely.includes(name);
      return element(
        "tr",
        {},
        element("th", { scope: "row" }, name),
        element("td", { class: "bar" }, bar(share, hollow)),
        element("td", { class: "n" }, `${(100 * share).toFixed(1).replace(".", words.decimal)}%`),
      );
    });
    const head = element("tr", {}, element("th", { scope: "col" }, words.class), element("td"), element("th", { scope: "col" }, words.share));
    parts.push(
      element(
        "table",
        { class: "bars" },
        element("caption", { class: "unseen" }, words.probabilities),
        element("thead", { class: "unseen" }, head),
        element("tbody", {}, ...rows),
      ),
    );
    if (likely) {
      const text = likely.length ? fill(words.likely, { classes: likely.join(", ") }) : words.noneLikely;
      parts.push(element("p", { class: "soft" }, text));
    }
  }
  box.replaceChildren(...parts);
}

function bar(share, hollow) {
  const space = "http://www.w3.org/2000/svg";
  const svg = document.createElementNS(space, "svg");
  svg.setAttribute("viewBox", "0 0 100 8");
  svg.setAttribute("preserveAspectRatio", "none");
  svg.setAttribute("aria-hidden", "true");
  for (const [kind, width] of [["rail", 100], [hollow ? "hollow" : "full", 100 * share]]) {
    const rect = document.createElementNS(space, "rect");
    rect.setAttribute("class", kind);
    rect.setAttribute("width", width);
    rect.setAttribute("height", 8);
    svg.append(rect);
  }
  return svg;
}

// --- what is decided ---------------------------------------------------------------------------------------------

const STORE = "kamerton-waiting";

function waiting() {
  try {
    return JSON.parse(localStorage.getItem(STORE)) ?? [];
  } catch {
    return [];
  }
}

function keep(list) {
  localStorage.setItem(STORE, JSON.stringify(list));
}

function decide(label) {
  if (!now) return;
  if (who.value.trim() !== words.who) {
    complain(fill(words.nameFirst, { name: who.value.trim() || "–" }));
    who.form.querySelector("button").focus();
    return;
  }
  const seconds = Math.min(86400, (performance.now() - shownAt) / 1000).toFixed(2);
  const when = new Date().toISOString();
  keep([...waiting(), { c: words.c, row: now.row, id: now.id, label, who: words.who, seconds, when }]);
  now.mine = label;
  const button = buttons.find((one) => one.value === label);
  button?.classList.add("flash");
  setTimeout(() => button?.classList.remove("flash"), 180);
  send();
  next(fill(words.kept, { label: called(label) }));
}

/** Send what waits, the oldest first; whoever asks meanwhile waits for the same sending. */
function send() {
  sending ??= deliver().finally(() => {
    sending = null;
  });
  return sending;
}

/** What the server refuses for good is told and given up; what it cannot do now is tried again. */
async function deliver() {
  for (let list = waiting(); list.length; list = waiting()) {
    const response = await fetch(`${home}/decide`, {
      method: "POST",
      keepalive: true,
      headers: { Accept: "application/json" },
      body: new URLSearchParams(list[0]),
    }).catch(() => null);
    const answer = response ? await response.json().catch(() => ({})) : {};
    if (!response || response.status === 401 || response.status >= 500) {
      const reason = answer.error ?? document.documentElement.dataset.gone;
      complain(`${reason} ${fill(words.waiting, { count: list.length })}`);
      setTimeout(send, 2000);
      return;
    }
    // Another tab may have sent it, too, and taken it away: what is first now may be what nobody has sent.
    const sent = JSON.stringify(list[0]);
    keep(waiting().filter((one) => JSON.stringify(one) !== sent));
    if (response.ok) {
      wrong.hidden = true;
      document.getElementById("decided").textContent = fill(words.decided, { count: answer.decided });
    } else {
      complain(`${list[0].id}: ${answer.error ?? response.status}`);
    }
  }
}

async function undo() {
  // What is on the way must have arrived, or another decision would be taken back.
  await send();
  if (waiting().length) return;
  try {
    const body = new URLSearchParams(query);
    const answer = await ask(`${home}/undo`, { method: "POST", body });
    document.getElementById("decided").textContent = fill(words.decided, { count: answer.decided });
    if (answer.label === null) {
      announce(words.noneUndone);
      return;
    }
    if (answer.galaxy) {
      if (now) ahead.unshift(now);
      const place = seen.findLast((one) => one.id === answer.galaxy.id)?.at ?? null;
      show({ ...answer.galaxy, at: place });
    }
    announce(fill(words.undone, { label: called(answer.label) }));
  } catch (error) {
    complain(error.message);
  }
}

function skip() {
  next(words.skipped);
}

// --- hands -------------------------------------------------------------------------------------------------------

function take() {
  document.getElementById("decide").addEventListener("submit", (event) => {
    event.preventDefault();
    decide(event.submitter.value);
  });
  document.getElementById("undo").addEventListener("submit", (event) => {
    event.preventDefault();
    undo();
  });
  document.getElementById("skip").addEventListener("click", (event) => {
    event.preventDefault();
    skip();
  });
  document.getElementById("before").addEventListener("click", (event) => {
    event.preventDefault();
    look(-1);
  });
  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || event.target.matches("input, select, textarea")) return;
    const key = event.key.toLowerCase();
    const button = buttons.find((one) => one.getAttribute("aria-keyshortcuts") === key);
    if (button && !event.repeat) decide(button.value);
    else if (key === "?" && words.unsure && !event.repeat) decide(words.unsure);
    else if (key === "u" && !event.repeat) undo();
    else if (key === "s") skip();
    else if (key === "arrowleft") look(-1);
    else if (key === "arrowright") look(1);
    else if (key === "b") document.getElementById("blind").click();
    else return;
    event.preventDefault();
  });
  who.form.addEventListener("submit", () => localStorage.setItem("kamerton-who", who.value.trim()));
  send();
}

function called(label) {
  return label === words.unsure && words.unsure ? words.unsureWord : label;
}

function announce(text) {
  told.textContent = text;
}

function complain(text) {
  wrong.textContent = text;
  wrong.hidden = false;
}

function fill(text, places) {
  return text.replace(/\{(\w+)\}/g, (whole, name) => {
    const value = places[name];
    if (value === undefined) return whole;
    return typeof value === "number" ? value.toLocaleString(document.documentElement.lang) : value;
  });
}

if (now) {
  refill();
  take();
  stay();
}
