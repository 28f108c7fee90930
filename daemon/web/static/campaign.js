// Campaigns: results by their digits, `o` for the order, and notes that outlive a page. A call in the popup goes first.
(() => {
  "use strict";
  const place = document.getElementById("campaign-call");
  if (!place) return;
  const note = () => place.querySelector("form[data-drafts] textarea");
  const draft = () => `campaign-note-${note().form.dataset.drafts}`;

  const restore = () => {
    const text = note();
    const kept = text && sessionStorage.getItem(draft());
    if (kept && text.value === text.defaultValue) text.value = kept;
  };
  place.addEventListener("input", (event) => {
    if (event.target === note()) sessionStorage.setItem(draft(), note().value);
  });

  const typing = () => document.activeElement?.matches("input:not([type=radio]), textarea, select");
  document.addEventListener("keydown", (event) => {
    if (event.key === "Enter" && (event.ctrlKey || event.metaKey) && event.target === note()) {
      (document.getElementById("entry-save") ?? place.querySelector('.buttons [aria-pressed="true"]'))?.click();
      return;
    }
    if (event.ctrlKey || event.metaKey || event.altKey || event.isComposing || typing()) return;
    if (document.body.dataset.shortcuts === "off" || document.querySelector("dialog[open]")) return;
    if (document.getElementById("popup-dock")) return;
    let found = null;
    if (event.key === "o") found = document.getElementById("entry-order");
    else if (/^[1-9]$/.test(event.key)) found = place.querySelector(`[data-result="${event.key}"]`);
    if (!found) return;
    const folded = found.closest("details");
    if (folded) folded.open = true;
    found.click();
    event.preventDefault();
  });

  // what is missing is where he goes on
  const asked = place.querySelector('[aria-invalid="true"]') ?? document.getElementById("entry-callback");
  asked?.focus();
  document.addEventListener("htmx:after:swap", (event) => {
    if (event.detail.ctx?.target === place) restore();
  });
  restore();
})();
