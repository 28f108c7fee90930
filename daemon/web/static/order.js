// Files dropped onto an order, or chosen in its form, are sent one by one with their progress shown.
(() => {
  "use strict";

  const form = () => document.getElementById("attach");
  const inForm = (event) => event.target.closest?.("#attach");

  const line = (where, name) => {
    const text = document.createElement("span");
    const bar = document.createElement("progress");
    const shown = document.createElement("div");
    bar.max = 1;
    text.textContent = name;
    shown.append(bar, text);
    where.querySelector(".progress").append(shown);
    return { bar, text, shown };
  };

  const send = (where, file) =>
    new Promise((resolve) => {
      const { bar, text, shown } = line(where, file.name);
      const words = where.querySelector(".progress").dataset;
      const field = where.querySelector("select[name=field]")?.value;
      const request = new XMLHttpRequest();
      const body = new FormData();
      body.append("file", file);
      request.open("POST", `/api/v1/work-orders/${where.dataset.order}/attachments${field ? `?field=${field}` : ""}`);
      request.setRequestHeader("X-CSRF-Token", where.dataset.csrf);
      request.upload.addEventListener("progress", (event) => {
        if (event.lengthComputable) bar.value = event.loaded / event.total;
      });
      request.addEventListener("loadend", () => {
        bar.remove();
        if (request.status === 200 || request.status === 201) {
          text.textContent = `${file.name}: ${words.arrived}`;
        } else {
          let why = "";
          try {
            const told = JSON.parse(request.responseText);
            why = told.errors?.[0]?.what || told.detail;
          } catch {
            why = "";
          }
          shown.className = "failed";
          text.textContent = `${file.name}: ${words.failed}${why ? ` – ${why}` : ""}`;
        }
        resolve();
      });
      request.send(body);
    });

  const sendAll = async (files) => {
    const where = form();
    if (!where || !files.length) return;
    where.querySelector(".progress").replaceChildren();
    for (const file of files) await send(where, file);
    where.reset();
  };

  document.addEventListener("submit", (event) => {
    if (!inForm(event)) return;
    event.preventDefault();
    sendAll([...form().elements.file.files]);
  });
  const carriesFiles = (event) => form() && [...(event.dataTransfer?.types ?? [])].includes("Files");
  for (const kind of ["dragenter", "dragover"]) {
    document.addEventListener(kind, (event) => {
      if (!carriesFiles(event)) return;
      event.preventDefault();
      form().classList.add("over");
    });
  }
  document.addEventListener("dragleave", (event) => {
    if (!event.relatedTarget) form()?.classList.remove("over");
  });
  document.addEventListener("drop", (event) => {
    if (!carriesFiles(event)) return;
    event.preventDefault();
    form().classList.remove("over");
    sendAll([...event.dataTransfer.files]);
  });
})();
