// What every page does: the theme, times in the reader's zone, tables whose rows are links, tabs.
"use strict";

const root = document.documentElement;

function isDark() {
  return root.dataset.theme ? root.dataset.theme === "dark" : matchMedia("(prefers-color-scheme: dark)").matches;
}

document.getElementById("theme")?.addEventListener("click", () => {
  root.dataset.theme = isDark() ? "light" : "dark";
  document.cookie = `kaon_theme=${root.dataset.theme}; path=/; max-age=31536000; samesite=strict`;
  document.dispatchEvent(new CustomEvent("kaon:theme"));
});

function ago(seconds) {
  if (seconds < 5) return "just now";
  if (seconds < 60) return `${Math.floor(seconds)} s ago`;
  if (seconds < 3600) return `${Math.floor(seconds / 60)} min ago`;
  if (seconds < 86400) return `${Math.floor(seconds / 3600)} h ago`;
  return `${Math.floor(seconds / 86400)} d ago`;
}

const clock = new Intl.DateTimeFormat("sv-SE", { dateStyle: "short", timeStyle: "medium" });

const hours = new Intl.DateTimeFormat("sv-SE", { timeStyle: "medium" });

function showTimes(part) {
  for (const time of part.querySelectorAll("time[datetime]")) {
    const moment = new Date(time.dateTime);
    const said = "clock" in time.dataset ? hours.format(moment) : "ago" in time.dataset ? ago((Date.now() - moment) / 1000) : clock.format(moment);
    if (time.textContent !== said) time.textContent = said;
    if ("ago" in time.dataset) time.title = clock.format(moment);
  }
}

// A tab list: <div role="tablist"> of <button role="tab" aria-controls="…">; arrows move, as the pattern of ARIA has it.
function showTab(tab) {
  for (const other of tab.closest('[role="tablist"]').querySelectorAll('[role="tab"]')) {
    const chosen = other === tab;
    other.setAttribute("aria-selected", String(chosen));
    other.tabIndex = chosen ? 0 : -1;
    document.getElementById(other.getAttribute("aria-controls")).hidden = !chosen;
  }
  document.dispatchEvent(new CustomEvent("kaon:shown"));
}

document.addEventListener("click", (event) => {
  const tab = event.target.closest('[role="tab"]');
  if (tab) showTab(tab);
  const closing = event.target.closest("[data-closes]");
  if (closing) document.getElementById(closing.dataset.closes)?.replaceChildren();
});

document.addEventListener("keydown", (event) => {
  const tab = event.target.closest?.('[role="tab"]');
  if (!tab || !["ArrowLeft", "ArrowRight", "Home", "End"].includes(event.key)) return;
  const tabs = [...tab.closest('[role="tablist"]').querySelectorAll('[role="tab"]')];
  const at = tabs.indexOf(tab);
  const next = { ArrowLeft: at - 1, ArrowRight: at + 1, Home: 0, End: tabs.length - 1 }[event.key];
  const chosen = tabs[(next + tabs.length) % tabs.length];
  showTab(chosen);
  chosen.focus();
  event.preventDefault();
});

// <form data-asks="Cancel run 7?"> asks before it is sent.
document.addEventListener("submit", (event) => {
  const asks = event.target.dataset?.asks;
  if (asks && !confirm(asks)) event.preventDefault();
});

// <form data-compares>: its button is there once two boxes are checked, and says how many are.
function showChosen(form) {
  const button = form.querySelector("button");
  const chosen = form.querySelectorAll("input:checked").length;
  button.disabled = chosen < 2;
  button.textContent = chosen > 1 ? `Compare ${chosen} runs` : chosen ? "Choose one more to compare" : "Choose runs to compare";
}

document.addEventListener("change", (event) => {
  const form = event.target.closest("form[data-compares]");
  if (form) showChosen(form);
});
window.addEventListener("pageshow", () => document.querySelectorAll("form[data-compares]").forEach(showChosen));

// <span data-since="…">: how long it has been, every second.
function showSince() {
  for (const span of document.querySelectorAll("[data-since]")) {
    const seconds = Math.max(0, Math.floor((Date.now() - new Date(span.dataset.since)) / 1000));
    const hours = Math.floor(seconds / 3600);
    const minutes = Math.floor((seconds % 3600) / 60);
    const said = hours ? `${hours} h ${minutes} min` : minutes ? `${minutes} min ${seconds % 60} s` : `${seconds} s`;
    if (span.textContent !== said) span.textContent = said;
  }
}

showTimes(document);
showSince();
setInterval(() => showTimes(document), 5000);
setInterval(showSince, 1000);
document.addEventListener("htmx:afterSettle", (event) => showTimes(event.detail.elt));
document.addEventListener("kaon:changed", (event) => showTimes(event.target));
