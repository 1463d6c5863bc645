// Around every part: the switch between light and dark, and what parts share.

const root = document.documentElement;
const button = document.getElementById("theme");

function isDark() {
  return root.dataset.theme ? root.dataset.theme === "dark" : matchMedia("(prefers-color-scheme: dark)").matches;
}

if (button) {
  button.hidden = false;
  button.addEventListener("click", () => {
    root.dataset.theme = isDark() ? "light" : "dark";
    document.cookie = `kamerton-theme=${root.dataset.theme}; path=/; max-age=31536000; samesite=strict`;
  });
}

/** Tell a frame that is scrolled whether there is more to the right. */
function mark(frame) {
  frame.toggleAttribute("data-more", frame.scrollLeft + frame.clientWidth < frame.scrollWidth - 1);
}

const watched = new ResizeObserver((found) => found.forEach((one) => mark(one.target.closest(".wide"))));
for (const frame of document.querySelectorAll(".wide")) {
  frame.addEventListener("scroll", () => mark(frame), { passive: true });
  for (const one of [frame, ...frame.children]) watched.observe(one);
}

/** Ask the server for JSON; an error is thrown with the one line that the page shows. */
export async function ask(address, options = {}) {
  let response;
  try {
    response = await fetch(address, { ...options, headers: { Accept: "application/json", ...options.headers } });
  } catch {
    throw new Error(root.dataset.gone);
  }
  const answer = await response.json().catch(() => ({}));
  if (!response.ok) throw new Error(answer.error ?? String(response.status));
  return answer;
}

/** Make an element: attributes, then children; text is text, never HTML. */
export function element(name, attributes = {}, ...children) {
  const made = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) {
    if (value === false || value === null || value === undefined) continue;
    made.setAttribute(key, value === true ? "" : value);
  }
  made.append(...children);
  return made;
}
