// The part that shows runs: how many are chosen, figures that are missing, and a training that is followed.

const choose = document.getElementById("choose");
if (choose) chooseRuns(choose);
for (const figure of document.querySelectorAll("figure[data-missing]")) sayMissing(figure);
const live = document.getElementById("live");
if (live) follow(live);

function chooseRuns(form) {
  const all = form.querySelector("#all");
  const boxes = [...form.querySelectorAll("input[name=run]")];
  if (!boxes.length) return;
  all.hidden = false;
  const count = () => boxes.filter((box) => box.checked).length;
  function set() {
    all.checked = count() === boxes.length;
    all.indeterminate = count() > 0 && !all.checked;
    for (const button of form.querySelectorAll("button")) button.disabled = count() === 0;
  }
  all.addEventListener("change", () => {
    for (const box of boxes) box.checked = all.checked;
    set();
  });
  form.addEventListener("change", set);
  addEventListener("pageshow", set);
  set();
}

function sayMissing(figure) {
  const image = figure.querySelector("img");
  const say = () => {
    figure.classList.add("missing");
    figure.querySelector("figcaption").textContent += ` ${figure.dataset.missing}`;
  };
  if (image.complete && !image.naturalWidth && image.currentSrc) say();
  else image.addEventListener("error", say, { once: true });
}

function follow(card) {
  const said = card.querySelector("#live-said");
  const note = card.querySelector("#live-note");
  const events = new EventSource(card.dataset.address);
  let isOpen = false;
  events.addEventListener("open", () => {
    isOpen = true;
    note.textContent = card.dataset.note;
  });
  events.addEventListener("error", () => {
    // A browser does not try again what was refused.
    const isRefused = events.readyState === EventSource.CLOSED;
    note.textContent = isRefused && !isOpen ? card.dataset.full : card.dataset.lost;
  });
  events.addEventListener("message", (event) => {
    const now = JSON.parse(event.data);
    card.querySelector("#live-progress").value = now.done;
    card.querySelector("#live-left").textContent = now.left;
    for (const cell of card.querySelectorAll("[data-number]")) cell.textContent = now.numbers[cell.dataset.number];
    // A screen reader hears what is new, once.
    if (said.textContent !== now.said) said.textContent = now.said;
    if (now.picture) redraw(now.picture);
    if (now.state === "training") return;
    events.close();
    note.textContent = "";
    card.querySelector("#live-end").hidden = false;
    const state = document.querySelector(".eyebrow .state");
    state.className = `state ${now.state}`;
    state.textContent = now.label;
  });
  addEventListener("pagehide", () => events.close());
}

function redraw(address) {
  const place = document.getElementById("curves");
  const image = place.querySelector("img");
  // The new picture takes the place of the old one once it is there.
  const next = new Image();
  next.addEventListener("load", () => {
    image.src = next.src;
    place.hidden = false;
  });
  next.src = address;
}
