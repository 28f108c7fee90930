// Waiting times go on between two news: each element says since when.
(() => {
  "use strict";
  const clock = (since) => {
    const seconds = Math.max(0, Math.round((Date.now() + ahead - Date.parse(since)) / 1000));
    const [hours, minutes, rest] = [Math.floor(seconds / 3600), Math.floor(seconds / 60) % 60, seconds % 60];
    const two = (number) => String(number).padStart(2, "0");
    return hours ? `${hours}:${two(minutes)}:${two(rest)}` : `${minutes}:${two(rest)}`;
  };
  // The server's clock by its last answer: a wall's computer may be minutes off.
  let ahead = 0;
  const tick = () => {
    for (const each of document.querySelectorAll("#board [data-since]")) {
      each.textContent = clock(each.dataset.since);
      each.classList.toggle("long", each.textContent.length > 5);
    }
  };
  const read = () => {
    const told = document.querySelector("#board [data-now]");
    if (told) ahead = Date.parse(told.dataset.now) - Date.now();
  };
  // What somebody unfolded stays so: the server knows nothing of it.
  let unfolded = [];
  document.addEventListener("htmx:before:swap", () => {
    unfolded = [...document.querySelectorAll("#board details[open]")];
  });
  document.addEventListener("htmx:after:swap", ({ detail: { ctx } }) => {
    if (ctx?.target?.id !== "board") return; // the server's clock was read long ago
    for (const each of unfolded) each.open = true;
    read();
    tick();
  });
  read();
  setInterval(tick, 1000);
})();
