// The run's page: links and forms with data-panel open beside the plan, and the address follows.
"use strict";

let opener = document.querySelector(".plan [data-chosen] a, .plan a[data-chosen]")?.id; // of the plan: focus returns to it
let closing = false;

function openPanel(url) {
  window.htmx.ajax("GET", url, { target: "#beside", swap: "outerHTML" });
}

document.addEventListener("click", (event) => {
  const link = event.target.closest("a[data-panel]");
  if (!link || event.button || event.ctrlKey || event.metaKey || event.shiftKey || event.altKey) return;
  event.preventDefault();
  closing = link.id === "panel-close";
  if (link.closest(".plan")) opener = link.id;
  openPanel(link.getAttribute("href"));
});

document.addEventListener("submit", (event) => {
  if (!event.target.matches("form[data-panel-form]")) return;
  event.preventDefault();
  closing = false;
  const fields = [...new FormData(event.target)].filter(([, value]) => value);
  openPanel(`${event.target.getAttribute("action")}?${new URLSearchParams(fields)}`);
});

document.addEventListener("click", (event) => {
  const button = event.target.closest("#plan-whole");
  if (!button) return;
  const whole = document.querySelector(".run-page").classList.toggle("whole");
  button.setAttribute("aria-pressed", String(whole));
});

document.addEventListener("keydown", (event) => {
  if (event.key !== "Escape" || event.target.matches("input, textarea, select")) return;
  document.getElementById("panel-close")?.click();
});

function toEnd() {
  for (const box of document.querySelectorAll("#beside [data-follows]")) box.scrollTop = box.scrollHeight;
}

document.addEventListener("htmx:afterSettle", (event) => {
  if (event.detail.elt.id !== "beside" && !event.detail.elt.querySelector?.("#beside")) return;
  toEnd();
  const left = closing && document.getElementById(opener);
  closing = false;
  if (left) return left.focus();
  const title = document.getElementById("panel-title");
  const stacked = matchMedia("(max-width: 1099px)").matches;
  title?.focus({ preventScroll: !stacked });
});

toEnd();
// What runs, or else what failed, is brought into view where the picture is wider than the page.
const box = document.getElementById("plan-scroll");
const now = box?.querySelector('.node[data-chosen]') || box?.querySelector('.box[data-chosen]') || box?.querySelector('.node[data-state="running"], .node[data-state="held"], .node[data-state="failed"]');
if (now) box.scrollLeft = now.getBBox().x - box.clientWidth / 2 + 88;
