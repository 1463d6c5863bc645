// The part that classifies: files dropped, the map's strength, the stretch of a cutout, similar galaxies, SAMP.

import { ask, element } from "./site.js";

const drop = document.getElementById("drop");
if (drop) takeFiles(drop);
const stack = document.getElementById("stack");
if (stack) showWhy();
const stretch = document.getElementById("stretch");
if (stretch) stretchBands(stretch);
const similar = document.getElementById("similar");
if (similar) findSimilar(similar);
for (const form of document.querySelectorAll("form.send")) sendQuietly(form);

function takeFiles(form) {
  const input = form.querySelector("input[type=file]");
  const button = form.querySelector("button");
  const said = form.querySelector("#said");
  const wrong = form.querySelector("#wrong");

  async function send(files) {
    wrong.hidden = true;
    if (!files.length) return complain(form.dataset.nothing);
    const body = new FormData();
    body.append("run", form.elements.run.value);
    for (const file of files) body.append("files", file, file.name);
    button.disabled = true;
    said.textContent = form.dataset.looking;
    try {
      const answer = await ask(form.action, { method: "POST", body });
      location.assign(answer.address);
    } catch (error) {
      complain(error.message);
    }
  }

  function complain(text) {
    button.disabled = false;
    said.textContent = "";
    wrong.textContent = text;
    wrong.hidden = false;
  }

  form.addEventListener("submit", (event) => {
    event.preventDefault();
    send(input.files);
  });
  input.addEventListener("change", () => send(input.files));
  // Anywhere on the page, for whoever drops beside the frame means it, too.
  for (const kind of ["dragover", "dragleave", "drop"]) {
    document.addEventListener(kind, (event) => {
      event.preventDefault();
      form.classList.toggle("over", kind === "dragover");
      if (kind === "drop" && event.dataTransfer.files.length) send(event.dataTransfer.files);
    });
  }
  addEventListener("pageshow", () => {
    button.disabled = false;
    said.textContent = "";
  });
}

function showWhy() {
  const map = document.getElementById("map");
  const slider = document.getElementById("opacity");
  const set = () => {
    map.style.opacity = slider.value / 100;
  };
  map.hidden = false;
  slider.addEventListener("input", set);
  const appear = () => {
    slider.value = 60;
    set();
  };
  set();
  if (map.complete && map.naturalWidth) appear();
  else map.addEventListener("load", appear, { once: true });
}

function stretchBands(field) {
  const picture = document.getElementById("picture");
  const q = field.querySelector("#q");
  const scale = field.querySelector("#scale");
  let isWaiting = false;
  let isAsked = false;

  // Sliders are logarithms: of Q, and of the scale beside the network's own.
  const start = Math.log10(Number(field.dataset.q));
  const values = () => [10 ** Number(q.value), Number(field.dataset.stretch) * 10 ** Number(scale.value)];
  const shown = (value) => value.toPrecision(2).replace(".", field.dataset.decimal);
  const say = () => {
    const [softening, linear] = values();
    field.querySelector("#q-said").textContent = shown(softening);
    field.querySelector("#scale-said").textContent = shown(linear);
  };
  function draw() {
    say();
    isAsked = true;
    if (isWaiting) return;
    isWaiting = true;
    isAsked = false;
    const [softening, linear] = values();
    picture.src = `${picture.dataset.src}?q=${softening.toPrecision(6)}&stretch=${linear.toPrecision(6)}`;
  }
  for (const kind of ["load", "error"]) {
    picture.addEventListener(kind, () => {
      isWaiting = false;
      if (isAsked) draw();
    });
  }
  function reset() {
    q.value = start;
    scale.value = 0;
    say();
    picture.src = picture.dataset.src;
  }
  q.addEventListener("input", draw);
  scale.addEventListener("input", draw);
  field.querySelector("#reset").addEventListener("click", reset);
  q.value = start;
  say();
}

function findSimilar(section) {
  const button = section.querySelector("#find");
  const found = section.querySelector("#found");
  const wall = section.querySelector("#wall");
  button.addEventListener("click", async () => {
    button.disabled = true;
    try {
      let answer = await ask(`${section.dataset.place}/similar`);
      while (!answer.galaxies) {
        found.textContent = section.dataset.wait.replace("{done}", answer.done).replace("{of}", answer.of);
        answer = await ask(`${section.dataset.place}/similar`);
      }
      found.textContent = "";
      wall.replaceChildren(...answer.galaxies.map(card));
      button.parentElement.hidden = true;
    } catch (error) {
      found.textContent = error.message;
      button.disabled = false;
    }
  });

  function card(galaxy) {
    const distance = galaxy.distance.toFixed(3).replace(".", section.dataset.decimal);
    const far = galaxy.same ? section.dataset.same : section.dataset.distance.replace("{distance}", distance);
    return element(
      "li",
      {},
      element("img", { src: `${section.dataset.training}/${galaxy.row}.png`, alt: "", loading: "lazy" }),
      element("strong", {}, galaxy.true_class ?? galaxy.predicted_class),
      element("small", {}, galaxy.id),
      element("small", {}, far),
    );
  }
}

function sendQuietly(form) {
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    const sent = document.getElementById("sent");
    sent.textContent = "…";
    try {
      sent.textContent = (await ask(form.action, { method: "POST" })).text;
    } catch (error) {
      sent.textContent = error.message;
    }
  });
}
