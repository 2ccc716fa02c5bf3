// Live parts of a page: <div data-live="/runs/7/events"> listens to the server while it is on the page.
//
// Every message is HTML: elements with an id take the place of those of the page with the same id. An element with
// data-append="ID" has its children added to the element ID instead. A browser whose connection is lost connects
// again by itself and says which message it had last (Last-Event-ID, or `last` in the address).
"use strict";

const streams = new Map();

function take(html) {
  const parts = document.createElement("template");
  parts.innerHTML = html;
  for (const part of [...parts.content.children]) {
    if (part.dataset.append) append(part);
    else replace(part);
  }
}

function replace(part) {
  const old = document.getElementById(part.id);
  if (!old || !morph(old, part)) return;
  window.htmx?.process(old);
  old.dispatchEvent(new CustomEvent("kaon:changed", { bubbles: true }));
}

// Makes `old` like `part` where they differ, so that focus, scrolling and animations stay. Says whether it changed.
function morph(old, part) {
  if (old.nodeType === Node.TEXT_NODE && part.nodeType === Node.TEXT_NODE) {
    if (old.data === part.data) return false;
    old.data = part.data;
    return true;
  }
  if (old.nodeName !== part.nodeName || (old.id || "") !== (part.id || "")) {
    old.replaceWith(part);
    return true;
  }
  if (old.matches("time") && old.dateTime === part.dateTime) return false; // shown in the reader's zone
  if (old.matches("[data-since]") && old.dataset.since === part.dataset.since) return false;
  if (old.matches("[data-chart]")) return morphChart(old, part);
  let changed = morphAttributes(old, part);
  if (old.childNodes.length !== part.childNodes.length) {
    old.replaceChildren(...part.childNodes);
    return true;
  }
  const children = [...part.childNodes];
  [...old.childNodes].forEach((child, at) => (changed = morph(child, children[at]) || changed));
  return changed;
}

function morphAttributes(old, part) {
  let changed = false;
  for (const { name } of [...old.attributes]) {
    if (!part.hasAttribute(name) && name !== "open") { // what the reader has opened stays open
      old.removeAttribute(name);
      changed = true;
    }
  }
  for (const { name, value } of part.attributes) {
    if (old.getAttribute(name) !== value && name !== "aria-pressed") {
      old.setAttribute(name, value);
      changed = true;
    }
  }
  return changed;
}

function morphChart(old, part) {
  const spec = (figure) => figure.querySelector(".chart-spec").textContent;
  if (spec(old) === spec(part)) return false;
  old.view?.finalize();
  old.replaceWith(part);
  return true;
}

function append(part) {
  const list = document.getElementById(part.dataset.append);
  if (!list) return;
  const box = list.closest("[data-follows]");
  const atEnd = box && box.scrollHeight - box.scrollTop - box.clientHeight < 40;
  const keeps = Number(list.dataset.keeps || 2000);
  const children = [...part.children].filter((child) => !child.id || !document.getElementById(child.id));
  list.append(...children);
  while (list.children.length > keeps) list.firstElementChild.remove();
  if (atEnd) box.scrollTop = box.scrollHeight;
  list.dispatchEvent(new CustomEvent("kaon:changed", { bubbles: true }));
}

function listen(element, last = "") {
  const url = element.dataset.live;
  const source = new EventSource(last ? `${url}${url.includes("?") ? "&" : "?"}last=${last}` : url);
  const stream = { source, last };
  source.onopen = () => (root.dataset.connection = "open");
  source.onmessage = (event) => {
    stream.last = event.lastEventId;
    take(event.data);
  };
  source.onerror = () => {
    root.dataset.connection = "lost";
    if (source.readyState === EventSource.CLOSED) {
      // Refused, not lost: the server is starting, or wants its token. The browser would not try again.
      setTimeout(() => streams.get(element) === stream && listen(element, stream.last), 3000);
    }
  };
  streams.set(element, stream);
}

function silence() {
  for (const stream of streams.values()) stream.source.close();
}

function look() {
  for (const [element, stream] of streams) {
    if (!element.isConnected) {
      stream.source.close();
      streams.delete(element);
    }
  }
  if (document.hidden) return;
  for (const element of document.querySelectorAll("[data-live]")) if (!streams.has(element)) listen(element);
}

look();
document.addEventListener("htmx:afterSettle", look);
document.addEventListener("kaon:changed", look);
// A browser opens few connections to one server: a tab that nobody sees gives its own back, and takes up again later.
document.addEventListener("visibilitychange", () => {
  if (document.hidden) return silence();
  for (const [element, stream] of [...streams]) if (element.isConnected) listen(element, stream.last);
  look();
});
addEventListener("pagehide", silence);
addEventListener("pageshow", (event) => event.persisted && location.reload());
