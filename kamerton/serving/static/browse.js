// The wall of galaxies: filters that act at once, and a name that is remembered.

const filters = document.getElementById("filters");
const fold = document.querySelector("details.filters");
if (fold && !("active" in fold.dataset) && matchMedia("(max-width: 40rem)").matches) fold.open = false;
if (filters) {
  // What is not asked for does not stand in the address.
  filters.addEventListener("formdata", (event) => {
    for (const [name, value] of [...event.formData]) if (value === "") event.formData.delete(name);
  });
  filters.addEventListener("change", (event) => {
    if (event.target.matches("select, [type=checkbox]")) filters.requestSubmit();
  });
}

const name = document.querySelector("#start input[name=who]");
if (name) {
  name.value ||= localStorage.getItem("kamerton-who") ?? "";
  name.form.addEventListener("submit", () => localStorage.setItem("kamerton-who", name.value.trim()));
}
