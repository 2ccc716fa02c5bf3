// The launch form: finding a setting, and what the server's live answer says of each field for those who cannot see it.
"use strict";

const form = document.querySelector("[data-launch]");

form?.querySelector("[autofocus]")?.scrollIntoView({ block: "center" });

document.getElementById("filter")?.addEventListener("input", (event) => {
  event.stopPropagation();
  const wanted = event.target.value.trim().toLowerCase();
  for (const group of form.querySelectorAll(".launch-group")) {
    let shown = 0;
    for (const setting of group.querySelectorAll(".setting")) {
      setting.hidden = !!wanted && !setting.dataset.setting.toLowerCase().includes(wanted);
      shown += !setting.hidden;
    }
    group.hidden = !shown;
    if (wanted) group.open = shown > 0;
  }
});

// What the server refuses is said beside the field; the field itself is marked as well.
document.addEventListener("htmx:afterSettle", () => {
  for (const wrong of form.querySelectorAll(".about > .wrong")) {
    const field = document.getElementById(wrong.id.replace(/-wrong$/, ""));
    if (field) wrong.hidden ? field.removeAttribute("aria-invalid") : field.setAttribute("aria-invalid", "true");
  }
});

// The settings that are swept are marked, and those that are not what they were.
form?.addEventListener("change", (event) => {
  const setting = event.target.closest(".setting");
  if (!setting) return;
  const varies = setting.querySelector("select.varies");
  const field = setting.querySelector(".of-one :is(input, select, textarea)");
  const changed = field instanceof HTMLSelectElement ? ![...field.options].some((o) => o.selected && o.defaultSelected) : field.value !== field.defaultValue;
  setting.toggleAttribute("data-changed", changed || !!varies?.value);
  if (event.target === varies && varies.value) {
    setting.querySelector(`${varies.value === "list" ? ".of-list" : ".of-range"} input`)?.focus();
  }
});
