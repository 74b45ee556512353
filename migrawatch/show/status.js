"use strict";
// Keeps the page live: parts arrive by server-sent events and take the place of the old ones.
const live = document.getElementById("live");
let heard = Date.now();

function ago(seconds) {
  if (seconds < 100) return Math.max(0, Math.round(seconds)) + " s";
  if (seconds < 6000) return Math.round(seconds / 60) + " min";
  if (seconds < 172800) return Math.floor(seconds / 3600) + " h " + Math.floor((seconds % 3600) / 60) + " min";
  return Math.floor(seconds / 86400) + " d";
}

function tick() {
  for (const time of document.querySelectorAll("time")) {
    if (!time.dataset.text) time.dataset.text = time.textContent;
    const seconds = (Date.now() - Date.parse(time.dateTime)) / 1000;
    time.textContent = time.dataset.text + (seconds < 0 ? " (in " + ago(-seconds) + ")" : " (" + ago(seconds) + " ago)");
  }
}

function dress(root) {
  if (!navigator.clipboard) return;
  for (const button of root.querySelectorAll(".command button")) {
    button.hidden = false;
    button.onclick = () =>
      navigator.clipboard.writeText(button.previousElementSibling.textContent).then(() => {
        button.textContent = "copied";
      });
  }
}

function show(name, html) {
  const part = document.getElementById(name);
  const open = new Set(Array.from(part.querySelectorAll("details[open]"), (one) => one.id));
  // A host's part brings its own element; the others are what is inside theirs.
  if (name.startsWith("host-")) part.outerHTML = html;
  else part.innerHTML = html;
  const now = document.getElementById(name);
  for (const one of now.querySelectorAll("details")) if (open.has(one.id)) one.open = true;
  dress(now);
  const banner = document.querySelector(".banner");
  if (banner) {
    document.title = banner.dataset.title;
    const icon = document.querySelector("link[rel=icon]");
    icon.href = icon.href.replace(/%23[0-9a-f]{6}/, "%23" + banner.dataset.colour);
  }
  tick();
}

function follow() {
  const source = new EventSource("api/v1/events");
  source.addEventListener("parts", (event) => {
    heard = Date.now();
    for (const [name, html] of Object.entries(JSON.parse(event.data))) show(name, html);
  });
  source.addEventListener("beat", () => { heard = Date.now(); });
  source.onopen = () => { live.textContent = "live"; live.className = ""; heard = Date.now(); };
  source.onerror = () => { if (source.readyState === EventSource.CLOSED) setTimeout(follow, 3000); };
}

function openTarget() {
  const target = document.getElementById(decodeURIComponent(location.hash.slice(1)));
  if (target && target.tagName === "DETAILS") target.open = true;
}

dress(document);
tick();
openTarget();
addEventListener("hashchange", openTarget);
setInterval(() => {
  tick();
  const silent = (Date.now() - heard) / 1000;
  // The server speaks at least every ten seconds: what is older than this must not look current.
  if (silent > 25) { live.className = "lost"; live.textContent = "NOT LIVE: nothing heard for " + ago(silent); }
}, 1000);
follow();
