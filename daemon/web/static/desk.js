// What pages need beyond htmx: the state of the live connection, the dialog, and how many rows are chosen.
(() => {
  "use strict";
  const RETRY = 5000; // milliseconds until a first connection that failed is tried again

  const connection = document.getElementById("connection");
  const live = document.getElementById("live");
  const dialog = document.getElementById("dialog");

  const say = (state) => {
    if (connection.dataset.state !== state) connection.dataset.state = state;
  };

  // --- the live connection ---------------------------------------------------------------------------------------

  live.addEventListener("htmx:sse:after:connection", () => say("live"));
  live.addEventListener("hello", () => say("live"));
  live.addEventListener("htmx:sse:close", () => say("offline"));
  live.addEventListener("htmx:sse:error", (event) => {
    say("offline");
    if (event.detail.status === 401) location.reload(); // the session is over: the server asks for the log-in
  });
  live.addEventListener("htmx:sse:before:connection", (event) => {
    if (event.detail.connection.attempt > 0) say("offline");
  });
  const retry = () => {
    say("offline");
    setTimeout(() => live.dispatchEvent(new CustomEvent("live-retry")), RETRY);
  };
  live.addEventListener("htmx:error", retry);
  live.addEventListener("htmx:response:error", retry);

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
