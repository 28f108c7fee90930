// What pages need beyond htmx: the live connection, the dialog, and how many rows are chosen.
(() => {
  "use strict";
  const RETRY = 4000, LONGEST = 60000; // milliseconds until a part that could not be fetched is asked for again

  const connection = document.getElementById("connection");
  const dialog = document.getElementById("dialog");

  // --- the live connection: see stream.js --------------------------------------------------------------------------

  let heard = connection.dataset.position; // the place in the stream that this page stands for
  let state = "connecting";
  let stream = null;

  const show = () => {
    const shown = state === "live" && !navigator.onLine ? "offline" : state;
    if (connection.dataset.state !== shown) connection.dataset.state = shown;
  };
  const tell = (name, data = "{}") => document.body.dispatchEvent(new CustomEvent(name, { detail: JSON.parse(data) }));

  const hear = ({ data: said }) => {
    if (said.name) {
      heard = said.id;
      tell(said.name, said.data);
    } else if (said.state === "over") {
      location.reload(); // the server asks for the log-in
    } else {
      state = said.state;
      show();
    }
  };
  const start = () => {
    const address = connection.dataset.stream, options = { name: connection.dataset.session };
    const worker = window.SharedWorker ? new SharedWorker(address, options) : new Worker(address, options);
    worker.addEventListener("error", () => {
      state = "offline";
      show();
    });
    stream = worker.port ?? worker;
    stream.onmessage = hear;
  };
  const open = () => {
    if (!stream) start();
    stream.postMessage({ open: heard });
  };
  // not before htmx listens, or news would be told to nobody
  document.addEventListener("htmx:after:process", open, { once: true });
  addEventListener("pagehide", () => stream?.postMessage({ close: true }));
  addEventListener("pageshow", (event) => {
    if (event.persisted) open();
  });
  addEventListener("offline", show);
  addEventListener("online", () => {
    show();
    stream?.postMessage({ wake: true });
    if (stale) ask();
  });

  // --- a part that could not be fetched is asked for again ------------------------------------------------------------

  let stale = 0; // timer
  let wait = RETRY;
  const ask = () => {
    clearTimeout(stale);
    stale = 0;
    tell("refresh");
  };
  const missed = ({ detail: { ctx } }) => {
    if (!ctx?.sourceElement?.getAttribute("hx-trigger")?.includes("from:body")) return;
    if (stale || (ctx.response && ctx.response.status < 500)) return;
    stale = setTimeout(ask, wait);
    wait = Math.min(2 * wait, LONGEST);
  };
  document.addEventListener("htmx:error", missed);
  document.addEventListener("htmx:response:error", missed);
  document.addEventListener("htmx:after:swap", () => {
    if (!stale) wait = RETRY;
  });

  // --- the dialog ------------------------------------------------------------------------------------------------

  document.addEventListener("htmx:after:swap", (event) => {
    if (event.detail.ctx?.target === dialog && !dialog.open) dialog.showModal();
    count();
  });
  document.addEventListener("htmx:response:error", (event) => {
    const source = event.detail.ctx?.sourceElement;
    if (event.detail.ctx?.target === dialog && source?.href) location.assign(source.href);
  });
  dialog.addEventListener("click", (event) => {
    if (event.target === dialog || event.target.closest("[data-close]")) {
      event.preventDefault();
      dialog.close();
    }
  });
  dialog.addEventListener("close", () => dialog.replaceChildren());

  // --- times that run: how long, or how long still ----------------------------------------------------------------

  setInterval(() => {
    for (const time of document.querySelectorAll("time[data-tick]")) {
      const passed = (Date.now() - Date.parse(time.dateTime)) / 1000;
      const seconds = Math.max(0, Math.floor(time.dataset.tick === "up" ? passed : -passed));
      const clock = [Math.floor(seconds / 60) % 60, seconds % 60].map((part) => String(part).padStart(2, "0"));
      const text = [...(seconds >= 3600 ? [Math.floor(seconds / 3600)] : []), ...clock].join(":");
      if (time.textContent !== text) time.textContent = text;
    }
  }, 500);

  // --- the menu of the queues -------------------------------------------------------------------------------------

  const duty = document.getElementById("duty");
  document.addEventListener("click", (event) => {
    if (duty?.open && !duty.contains(event.target)) duty.open = false;
  });
  document.addEventListener("keydown", (event) => {
    if (event.key !== "Escape" || !duty?.open || dialog.open) return;
    duty.open = false;
    duty.querySelector("summary").focus();
  });

  // --- chosen rows -----------------------------------------------------------------------------------------------

  const count = () => {
    const chosen = document.querySelectorAll('input[form="selection"]:checked').length;
    for (const button of document.querySelectorAll("[data-needs-selection]")) {
      button.disabled = chosen === 0;
      button.dataset.chosen = chosen || "";
    }
  };
  document.addEventListener("change", count);
  count();
})();
