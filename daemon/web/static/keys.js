// Shortcuts: what a page marks is pressed by its key; `?` shows them all. Never while somebody types, never with
// modifier keys, and not at all where the body says so (WCAG 2.1.4).
(() => {
  "use strict";
  if (document.body.dataset.shortcuts === "off") return;
  const GO = 1500; // milliseconds in which a letter follows `g`

  const typing = (target) =>
    target.isContentEditable || target.matches?.("textarea, select, input:not([type=checkbox], [type=radio], [type=submit])");
  const shown = (element) => element.getClientRects().length > 0 && !element.disabled;
  const marked = (key) =>
    [...document.querySelectorAll("main [data-key]")].find((element) => element.dataset.key === key && shown(element));
  const label = (element) => (element.getAttribute("aria-label") || element.textContent).trim().replace(/\s+/g, " ");

  let going = -Infinity; // when `g` was pressed
  const go = (key) => [...document.querySelectorAll("[data-go]")].find((link) => link.dataset.go === key)?.click();

  // --- rows: j and k walk through them ----------------------------------------------------------------------------

  const walk = (step) => {
    const rows = [...document.querySelectorAll("[data-row]")].filter(shown);
    const here = rows.findIndex((row) => row.contains(document.activeElement));
    const row = rows[here < 0 ? (step > 0 ? 0 : rows.length - 1) : here + step];
    const link = row?.querySelector("a[href]:not([hidden]), button");
    link?.focus();
    row?.scrollIntoView({ block: "nearest" });
  };

  // --- the list of them ---------------------------------------------------------------------------------------------

  const line = (list, key, text) => {
    const term = document.createElement("dt");
    const said = document.createElement("dd");
    for (const each of key.split(" ")) {
      const stroke = document.createElement("kbd");
      stroke.textContent = each;
      term.append(stroke, " ");
    }
    said.textContent = text;
    list.append(term, said);
  };

  const show = () => {
    const dialog = document.getElementById("dialog");
    const content = document.getElementById("shortcuts").content.cloneNode(true);
    const list = content.querySelector("dl");
    for (const element of document.querySelectorAll("[data-go]")) line(list, `g ${element.dataset.go}`, label(element));
    const known = new Set();
    for (const element of document.querySelectorAll("main [data-key]")) {
      if (!shown(element) || known.has(element.dataset.key)) continue;
      known.add(element.dataset.key);
      line(list, element.dataset.key, label(element));
    }
    dialog.replaceChildren(content);
    if (!dialog.open) dialog.showModal();
  };

  document.addEventListener("keydown", (event) => {
    if (event.defaultPrevented || event.ctrlKey || event.altKey || event.metaKey || event.isComposing) return;
    if (typing(event.target) || document.getElementById("dialog").open) return;
    const key = event.key;
    if (performance.now() - going < GO && key.length === 1) {
      going = -Infinity;
      go(key);
    } else if (key === "g") {
      going = performance.now();
      return;
    } else if (key === "?") {
      show();
    } else if (key === "j" || key === "k") {
      walk(key === "j" ? 1 : -1);
    } else {
      const element = key.length === 1 ? marked(key) : undefined;
      if (!element || event.target.closest?.("#popup")) return;
      if (element.matches("input, select, textarea")) element.focus();
      else element.click();
    }
    event.preventDefault();
  });
})();
