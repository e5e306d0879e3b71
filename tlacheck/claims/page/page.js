// Filters: of each kind of chip those that are pressed, or all if none is; and all words of the search must occur.
// What is chosen stands in the address, so that a view can be shared.
"use strict";
(() => {
  const all = (selector, within = document) => [...within.querySelectorAll(selector)];
  const one = (id) => document.getElementById(id);
  const chips = all(".chip");
  const claims = all(".claim").map((element) => ({ element, text: element.textContent.toLowerCase() }));
  const query = one("query");

  const pressed = (key) =>
    new Set(chips.filter((chip) => chip.ariaPressed === "true" && key in chip.dataset).map((chip) => chip.dataset[key]));

  function filter() {
    const verdicts = pressed("verdict");
    const documents = pressed("document");
    const words = query.value.toLowerCase().split(/\s+/).filter(Boolean);
    let shown = 0;
    for (const { element, text } of claims) {
      const fits =
        (!verdicts.size || verdicts.has(element.dataset.verdict)) &&
        (!documents.size || documents.has(element.dataset.document)) &&
        words.every((word) => text.includes(word));
      element.hidden = !fits;
      shown += fits;
    }
    for (const section of all(".document")) section.hidden = !section.querySelector(".claim:not([hidden])");
    const filtered = verdicts.size || documents.size || words.length;
    one("found").textContent = filtered ? `${shown} of ${claims.length} claims` : `${claims.length} claims`;
    one("all").hidden = !filtered;
    one("none").hidden = shown > 0;
    const said = new URLSearchParams();
    if (verdicts.size) said.set("verdict", [...verdicts].join(","));
    if (documents.size) said.set("document", [...documents].join(","));
    if (words.length) said.set("q", query.value.trim());
    return said.toString();
  }

  // replaceState is refused for pages opened as a file in some browsers; the hash never is.
  function remember(said) {
    const now = location.hash.slice(1);
    if (said || now.includes("=")) history.replaceState(null, "", said ? `#${said}` : "#");
  }

  function recall() {
    const hash = decodeURIComponent(location.hash.slice(1));
    const said = new URLSearchParams(hash.includes("=") ? location.hash.slice(1) : "");
    for (const chip of chips) {
      const [key, value] = Object.entries(chip.dataset)[0];
      chip.ariaPressed = String((said.get(key) || "").split(",").includes(value));
    }
    query.value = said.get("q") || "";
    filter();
    const target = hash.includes("=") ? null : one(hash);
    const evidence = target && target.querySelector(".evidence");
    if (evidence) evidence.open = true;
    if (target) target.scrollIntoView();
  }

  for (const chip of chips)
    chip.addEventListener("click", () => {
      chip.ariaPressed = String(chip.ariaPressed !== "true");
      remember(filter());
    });
  query.addEventListener("input", () => remember(filter()));
  one("all").addEventListener("click", () => {
    for (const chip of chips) chip.ariaPressed = "false";
    query.value = "";
    remember(filter());
  });

  const dark = () => {
    const theme = document.documentElement.dataset.theme;
    return theme ? theme === "dark" : matchMedia("(prefers-color-scheme: dark)").matches;
  };
  function turn(theme) {
    document.documentElement.dataset.theme = theme;
    one("theme").ariaPressed = String(theme === "dark");
    try {
      localStorage.setItem("tlacheck-theme", theme);
    } catch {
      // A browser may refuse to store anything for a file: then it is asked anew each time.
    }
  }
  one("theme").addEventListener("click", () => turn(dark() ? "light" : "dark"));
  try {
    const theme = localStorage.getItem("tlacheck-theme");
    if (theme === "dark" || theme === "light") turn(theme);
  } catch {
    // As above.
  }
  document.addEventListener("keydown", (event) => {
    if (event.target === query || event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.key === "/") {
      event.preventDefault();
      query.focus();
    } else if (event.key === "t") turn(dark() ? "light" : "dark");
  });
  addEventListener("hashchange", recall);
  recall();
})();
