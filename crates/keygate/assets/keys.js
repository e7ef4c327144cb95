// Jumps by letters: g and then o, c, b or a; / goes to the filters; ? shows this list. Never while typing in a
// field, never together with Ctrl, Alt or Meta, and not at all once they are turned off under /keys.
"use strict";
const JUMPS = { o: "/", c: "/connections", b: "/bots", a: "/activity" };
const PATIENCE_MS = 1500;
const list = document.getElementById("keys");
let pressedG = -Infinity;

function isBusy(event) {
  const typing = event.target.isContentEditable || /^(INPUT|SELECT|TEXTAREA)$/.test(event.target.tagName);
  return typing || event.ctrlKey || event.altKey || event.metaKey || event.isComposing || event.repeat;
}

function act(key, afterG) {
  const search = document.querySelector("[role=search] :is(input, select)");
  if (afterG && Object.hasOwn(JUMPS, key)) location.assign(JUMPS[key]);
  else if (key === "/" && search) search.focus();
  else if (key === "?") list.showModal();
  else return false;
  return true;
}

document.addEventListener("keydown", (event) => {
  if (isBusy(event) || list.open) return;
  const afterG = event.timeStamp - pressedG < PATIENCE_MS;
  pressedG = event.key === "g" ? event.timeStamp : -Infinity;
  if (act(event.key, afterG)) event.preventDefault();
});
