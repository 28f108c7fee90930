// The live stream of a browser: one for all tabs of a session. It runs as a SharedWorker, whose name is the session's
// mark; where there is none, as a worker of one tab.
//
// A tab says {open: position}, which is where it was rendered or what it heard last, {close: true} when it goes, and
// {wake: true} when its network is back. It is told {state: "connecting" | "live" | "offline" | "over"} and
// {id, name, data} of each event after its position; `refresh` where what it missed is no longer known.
(() => {
  "use strict";
  const FIRST = 500, LONGEST = 15000; // milliseconds until the next attempt; half of it is left to chance
  const SILENCE = 40000; // milliseconds after which a connection without a heartbeat (every 15 s) is gone
  const KEPT = 200; // events that a tab which comes later may have missed

  const tabs = new Set();
  let state = "connecting";
  let last = null; // the id of the latest event
  let since = null; // the id after which all events are in `kept`
  let kept = [];
  let ending = null; // ends the current connection or attempt
  let attempts = 0;
  let waiting = 0; // timer of the next attempt

  const epoch = (id) => id.slice(0, id.lastIndexOf("-"));
  const number = (id) => Number(id.slice(id.lastIndexOf("-") + 1));

  const say = (now) => {
    if (state === now) return;
    state = now;
    for (const tab of tabs) tab.postMessage({ state });
  };

  // --- events --------------------------------------------------------------------------------------------------------

  const heard = (event) => {
    last = event.id;
    if (event.name === "hello") {
      attempts = 0;
      say("live");
      return;
    }
    if (epoch(event.id) !== epoch(since)) {
      kept = [];
      since = event.id;
    }
    kept.push(event);
    while (kept.length > KEPT) since = kept.shift().id;
    for (const tab of tabs) tab.postMessage(event);
  };

  const catchUp = (tab, position) => {
    if (epoch(position) === epoch(since) && number(position) >= number(since)) {
      for (const event of kept) if (number(event.id) > number(position)) tab.postMessage(event);
    } else {
      tab.postMessage({ id: last, name: "refresh", data: "{}" });
    }
  };

  // --- the connection --------------------------------------------------------------------------------------------------

  const read = async (body, ending) => {
    const reader = body.pipeThrough(new TextDecoderStream()).getReader();
    let rest = "";
    let event = {};
    let silence = setTimeout(() => ending.abort(), SILENCE);
    try {
      for (;;) {
        const { done, value } = await reader.read();
        if (done) return;
        clearTimeout(silence);
        silence = setTimeout(() => ending.abort(), SILENCE);
        const lines = (rest + value).split("\n");
        rest = lines.pop();
        for (const each of lines) {
          const line = each.replace(/\r$/, "");
          const [, name, text] = /^(id|event|data): ?(.*)$/.exec(line) ?? [];
          if (name) event[name] = text;
          if (line || !event.event) continue;
          if (!ending.signal.aborted) heard({ id: event.id, name: event.event, data: event.data });
          event = {};
        }
      }
    } finally {
      clearTimeout(silence);
    }
  };

  const connect = async () => {
    clearTimeout(waiting);
    ending?.abort();
    const mine = (ending = new AbortController());
    let status = 0;
    try {
      const answer = await fetch(`/live?session=${encodeURIComponent(self.name)}`, {
        cache: "no-store",
        headers: { Accept: "text/event-stream", "Last-Event-ID": last },
        signal: mine.signal,
      });
      status = answer.status;
      if (status === 200) await read(answer.body, mine);
    } catch {
      // the network is gone, or was silent for too long: tried again below
    }
    if (mine !== ending) return;
    if (status === 401) say("over");
    else again();
  };

  const again = () => {
    say("offline");
    const most = Math.min(FIRST * 2 ** attempts++, LONGEST);
    waiting = setTimeout(connect, most / 2 + (Math.random() * most) / 2);
  };

  const stop = () => {
    clearTimeout(waiting);
    const before = ending;
    ending = null;
    before?.abort();
    state = "connecting";
    attempts = 0;
  };

  self.addEventListener("offline", () => ending?.abort());
  self.addEventListener("online", () => {
    if (tabs.size && state === "offline") connect();
  });

  // --- tabs ------------------------------------------------------------------------------------------------------------

  const enter = (tab, position) => {
    tabs.add(tab);
    if (tabs.size === 1) {
      last = since = position;
      kept = [];
      connect();
    } else {
      catchUp(tab, position);
      if (state === "over") connect(); // somebody may have logged in again
    }
    tab.postMessage({ state });
  };

  const attend = (tab) => {
    tab.onmessage = ({ data }) => {
      if (data.open !== undefined && !tabs.has(tab)) enter(tab, data.open);
      if (data.wake && state === "offline") connect();
      if (data.close && tabs.delete(tab) && !tabs.size) stop();
    };
  };

  if ("onconnect" in self) self.onconnect = (event) => attend(event.ports[0]);
  else attend(self);
})();
