// Live parts of a page: <div data-live="/runs/7/events"> listens to the server while it is on the page.
//
// Every message is HTML: elements with an id take the place of those of the page with the same id. An element with
// data-append="ID" has its children added to the element ID instead. A browser whose connection is lost connects
// again by itself and says which message it had last (Last-Event-ID). The message `end` says that nothing more comes.
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
  if (!old || old.isEqualNode(part)) return;
  const focused = old.contains(document.activeElement) ? document.activeElement.id : "";
  const open = [...old.querySelectorAll("details[open][id]")].map((details) => details.id);
  old.replaceWith(part);
  for (const id of open) document.getElementById(id)?.setAttribute("open", "");
  if (focused) document.getElementById(focused)?.focus({ preventScroll: true });
  changed(part);
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
  changed(list);
}

function changed(part) {
  window.htmx?.process(part);
  part.dispatchEvent(new CustomEvent("kaon:changed", { bubbles: true }));
}

function listen(element) {
  const source = new EventSource(element.dataset.live);
  const close = () => {
    source.close();
    streams.delete(element);
  };
  source.onopen = () => (root.dataset.connection = "open");
  source.onmessage = (event) => take(event.data);
  source.addEventListener("end", () => {
    source.close();
    streams.set(element, null);
  });
  source.onerror = () => {
    root.dataset.connection = "lost";
    if (source.readyState === EventSource.CLOSED) {
      // Refused, not lost: the server is starting, or wants its token. The browser would not try again.
      setTimeout(() => element.isConnected && streams.has(element) && listen(element), 3000);
    }
  };
  streams.set(element, { url: element.dataset.live, close });
}

function look() {
  for (const [element, stream] of streams) {
    if (!element.isConnected) {
      stream?.close();
      streams.delete(element);
    }
  }
  for (const element of document.querySelectorAll("[data-live]")) if (!streams.has(element)) listen(element);
}

look();
document.addEventListener("htmx:afterSettle", look);
document.addEventListener("kaon:changed", look);
document.addEventListener("click", () => setTimeout(look, 0));
addEventListener("pagehide", () => streams.forEach((stream) => stream?.close()));
addEventListener("pageshow", (event) => event.persisted && location.reload());
