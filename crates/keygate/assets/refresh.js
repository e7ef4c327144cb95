// Fetches the fragment named by data-refresh every two seconds and puts it in place, until the fragment itself
// asks for no more. Pauses while the page is hidden or the focus is inside. Without script: reload the page.
"use strict";
const EVERY_MS = 2000;

function fetchFragment(address, take) {
  const request = new XMLHttpRequest();
  request.open("GET", address);
  request.setRequestHeader("Accept", "text/html");
  request.responseType = "document";
  request.timeout = 10000;
  request.onload = () => take(request.status === 200 ? request.response : null);
  request.onerror = request.ontimeout = () => take(null);
  request.send();
}

function watch(element) {
  const address = element.dataset.refresh;
  setTimeout(() => {
    if (document.hidden || element.contains(document.activeElement)) {
      watch(element);
      return;
    }
    fetchFragment(address, (answer) => {
      const fresh = answer && answer.getElementById(element.id);
      if (!fresh) {
        watch(element);
        return;
      }
      const placed = document.importNode(fresh, true);
      if (placed.textContent !== element.textContent) element.replaceChildren(...placed.childNodes);
      element.className = placed.className;
      if (placed.dataset.refresh) watch(element);
    });
  }, EVERY_MS);
}

document.querySelectorAll("[data-refresh]").forEach(watch);
