// Orders are assigned group by group: once one is chosen, those of other groups can't be.
(() => {
  "use strict";
  const told = document.getElementById("one-group");
  if (!told) return;

  const hold = () => {
    const boxes = [...document.querySelectorAll('input[form="selection"][data-group]')];
    const chosen = boxes.find((box) => box.checked);
    const says = chosen ? told.dataset.says.replace("{}", chosen.dataset.label) : "";
    let others = false;
    for (const box of boxes) {
      const other = Boolean(chosen) && box.dataset.group !== chosen.dataset.group;
      box.disabled = other;
      box.title = other ? says : "";
      others ||= other;
    }
    const text = others ? says : "";
    if (told.textContent !== text) told.textContent = text;
  };
  document.addEventListener("change", hold);
  document.addEventListener("htmx:after:swap", hold);
  hold();
})();
