// The popup's behaviour: waiting times, keys, notes that outlive a page, a sound and a notification. Which calls there
// are, and all else, the server says.
(() => {
  "use strict";
  const popup = document.getElementById("popup");
  if (!popup) return;
  popup.dataset.scripted = "";
  const dock = () => document.getElementById("popup-dock");
  const field = (name) => popup.querySelector(`input[name="${name}"][data-popup-state]`);
  const typing = () => document.activeElement?.matches("input, textarea, select, [contenteditable]");

  // --- how long ----------------------------------------------------------------------------------------------------

  const tick = () => {
    for (const time of popup.querySelectorAll("[data-since]")) {
      const seconds = Math.max(0, Math.floor((Date.now() - Date.parse(time.dataset.since)) / 1000));
      const text = `${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, "0")}`;
      if (seconds < 6 * 3600 && time.textContent !== text) time.textContent = text;
    }
  };
  setInterval(tick, 1000);

  // --- notes that are not sent yet: a link to an order must not lose them --------------------------------------------

  const note = () => popup.querySelector("form[data-drafts] textarea");
  const draft = () => `popup-note-${note()?.form.dataset.drafts}`;
  const restore = () => {
    const kept = note() && sessionStorage.getItem(draft());
    if (kept && note().value === note().defaultValue) note().value = kept;
  };
  popup.addEventListener("input", (event) => {
    if (event.target === note()) sessionStorage.setItem(draft(), note().value);
    if (dock()?.dataset.call) field("shown")?.setAttribute("value", dock().dataset.call); // he works here: stay
  });
  const forget = () => {
    const text = note();
    if (text && sessionStorage.getItem(draft()) === text.defaultValue) sessionStorage.removeItem(draft());
  };

  // --- keys ----------------------------------------------------------------------------------------------------------

  // whether the focus goes on after the next change; a page that says what is missing was made by his own form
  let aimed = popup.querySelector('[aria-invalid="true"]') !== null;
  const aim = () => {
    if (!aimed) return;
    const asked = popup.querySelector('[aria-invalid="true"]') ?? popup.querySelector('input[type="datetime-local"]');
    const target = asked ?? document.getElementById("popup-order") ?? document.getElementById("popup-title");
    aimed = false;
    target?.focus();
  };
  popup.addEventListener("submit", () => { aimed = true; }, true);

  document.addEventListener("keydown", (event) => {
    const within = popup.contains(document.activeElement);
    if (event.key === "Enter" && (event.ctrlKey || event.metaKey) && event.target === note()) {
      const button = document.getElementById("popup-save") ?? popup.querySelector('.buttons [aria-pressed="true"]');
      if (button) button.click();
      return;
    }
    if (event.ctrlKey || event.metaKey || event.altKey || event.isComposing || document.querySelector("dialog[open]")) return;
    if (document.body.dataset.shortcuts === "off" || typing() || !dock()) return;
    if (event.key === "p") document.getElementById("popup-title")?.focus();
    else if (event.key === "o") document.getElementById("popup-order")?.click();
    else if (/^[1-9]$/.test(event.key)) {
      const button = popup.querySelector(`.buttons [data-key="${event.key}"]`);
      if (!button) return;
      button.closest("details").open = true;
      button.click();
    } else if (event.key === "Escape" && within) document.getElementById("content")?.focus();
    else return;
    event.preventDefault();
  });

  // --- a phone's sheet -------------------------------------------------------------------------------------------------

  popup.addEventListener("click", (event) => {
    if (event.target.closest(".fold")) popup.toggleAttribute("data-folded");
  });

  // --- sound and notification: one of several tabs, and only where he allowed it ----------------------------------------

  const SOUND = "popup-sound", RUNG = "popup-rung";
  let speaker = null;
  const wake = () => {
    if (localStorage.getItem(SOUND) === "off") return;
    speaker ??= new AudioContext();
    if (speaker.state === "suspended") speaker.resume().catch(() => {});
  };
  for (const gesture of ["pointerdown", "keydown"]) document.addEventListener(gesture, wake, { once: true, capture: true });

  const play = () => {
    if (localStorage.getItem(SOUND) === "off" || speaker?.state !== "running") return;
    for (const [after, pitch] of [[0, 587], [.22, 784]]) {
      const tone = speaker.createOscillator(), loud = speaker.createGain(), at = speaker.currentTime + after;
      tone.frequency.value = pitch;
      loud.gain.setValueAtTime(0, at);
      loud.gain.linearRampToValueAtTime(.12, at + .03);
      loud.gain.exponentialRampToValueAtTime(.001, at + .5);
      tone.connect(loud).connect(speaker.destination);
      tone.start(at);
      tone.stop(at + .55);
    }
  };
  const notify = (call, text) => {
    if (!("Notification" in window) || Notification.permission !== "granted" || document.hasFocus()) return;
    try {
      const shown = new Notification(document.getElementById("popup-title").textContent, { body: text, tag: call });
      shown.addEventListener("click", () => { window.focus(); shown.close(); });
    } catch { /* a phone's browser shows none from a page */ }
  };
  const ring = (call, text) => {
    const once = () => {
      if (localStorage.getItem(RUNG) === call) return;
      localStorage.setItem(RUNG, call);
      play();
      notify(call, text);
    };
    if (navigator.locks) navigator.locks.request(RUNG, once);
    else once();
  };
  let rung = "";
  const hear = () => {
    const call = dock()?.querySelector(".badge.ringing") ? dock().dataset.call : "";
    if (call && call !== rung) {
      popup.removeAttribute("data-folded");
      ring(call, document.getElementById("popup-said").textContent.trim());
    }
    rung = call ?? "";
  };

  // --- what may be told, on the page /popup ------------------------------------------------------------------------------

  const sound = document.getElementById("popup-sound"), permit = document.getElementById("popup-permit");
  if (sound) {
    sound.checked = localStorage.getItem(SOUND) !== "off";
    sound.addEventListener("change", () => {
      localStorage.setItem(SOUND, sound.checked ? "on" : "off");
      wake();
      if (sound.checked) speaker.resume().then(play);
    });
    const say = () => {
      const asks = "Notification" in window && Notification.permission === "default";
      permit.hidden = !asks;
      document.getElementById("popup-permitted").hidden = !("Notification" in window) || Notification.permission !== "granted";
    };
    permit.addEventListener("click", () => Notification.requestPermission().then(say));
    say();
  }

  // --- after every change --------------------------------------------------------------------------------------------------

  const look = () => {
    forget();
    restore();
    tick();
    hear();
  };
  document.addEventListener("htmx:after:swap", (event) => {
    const { target, sourceElement } = event.detail.ctx ?? {};
    if (target !== popup) return;
    look();
    if (sourceElement !== popup) aim(); // news that come in between are no answer to what he did
  });
  look();
  aim();
})();
