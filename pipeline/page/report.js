"use strict";
document.documentElement.classList.add("js");
const cards = [...document.querySelectorAll(".card")];
const players = [...document.querySelectorAll("video, audio")];
let here = -1;
function opened(inside) {
  for (let fold = inside.closest("details"); fold; fold = fold.parentElement.closest("details")) fold.open = true;
}
function go(to, focus) {
  if (!cards.length) return;
  here = Math.min(Math.max(to, 0), cards.length - 1);
  cards.forEach((card, i) => card.classList.toggle("here", i === here));
  opened(cards[here].querySelector(".body"));
  cards[here].scrollIntoView({ block: "start" });
  if (focus) cards[here].querySelector("summary").focus({ preventScroll: true });
}
function play(card, at) {
  const player = card.querySelector("video, audio");
  if (!player) return;
  const seek = () => {
    const into = at === null ? 0 : at - Number(player.dataset.from);
    player.currentTime = Math.max(0, Math.min(into, player.duration || into));
    player.play().catch(() => {});
  };
  if (player.readyState) seek();
  else { player.addEventListener("loadedmetadata", seek, { once: true }); player.load(); }
}
function pressed(selector, on) {
  document.querySelectorAll(selector).forEach((b) => b.setAttribute("aria-pressed", on(b)));
}
document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey) return;
  if (event.key === "j") go(here + 1, true);
  if (event.key === "k") go(here - 1, true);
  const player = here >= 0 && cards[here].querySelector("video, audio");
  const summary = event.target.closest("summary");
  const free = summary ? summary.closest(".card") : !event.target.closest("button, input, a, video, audio");
  if (event.key === " " && player && free) {
    event.preventDefault();
    if (player.paused) play(cards[here], player.currentTime + Number(player.dataset.from)); else player.pause();
  }
});
document.addEventListener("click", (event) => {
  const button = event.target.closest("button");
  if (button && "quiet" in button.dataset) {
    const quiet = button.getAttribute("aria-pressed") !== "true";
    players.forEach((p) => { p.volume = quiet ? Math.pow(10, -18 / 20) : 1; });
    pressed("[data-quiet]", () => quiet);
  } else if (button && button.dataset.rate) {
    players.forEach((p) => { p.playbackRate = Number(button.dataset.rate); });
    pressed("[data-rate]", (b) => b.dataset.rate === button.dataset.rate);
  }
  const link = event.target.closest('a[href^="#"]');
  const target = link && document.getElementById(link.getAttribute("href").slice(1));
  if (!target) return;
  const card = target.closest(".card");
  if (!card) { opened(target); return; }
  event.preventDefault();
  const at = link.dataset.at;
  const plays = at !== undefined || link.closest("svg");
  if (!(plays && card.contains(link) && link.closest(".body"))) go(cards.indexOf(card), false);
  if (plays) play(card, at === undefined ? null : Number(at));
});
document.addEventListener("play", (event) => {
  players.forEach((p) => { if (p !== event.target) p.pause(); });
}, true);
function arrive() {
  const target = location.hash && document.getElementById(decodeURIComponent(location.hash.slice(1)));
  if (target && target.closest(".card")) go(cards.indexOf(target.closest(".card")), false);
}
window.addEventListener("hashchange", arrive);
arrive();
let closed = [];
window.addEventListener("beforeprint", () => {
  closed = [...document.querySelectorAll(".card > details:not([open]), .onpaper:not([open]), .missing:not([open])")];
  closed.forEach((fold) => { fold.open = true; });
});
window.addEventListener("afterprint", () => { closed.forEach((fold) => { fold.open = false; }); });
