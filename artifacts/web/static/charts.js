// Pictures by Vega-Lite, drawn without eval: <figure data-chart> holds the spec as JSON, hidden. Vega is loaded once one is there.

const VENDOR = "/static/vendor/";
let loading = null;

// A chart loads nothing, and what it links to is a page of this server.
const LOADER = {
  load: () => Promise.reject(new Error("charts load nothing")),
  sanitize: (to) =>
    /^\/(?![/\\])/.test(to) ? Promise.resolve({ href: to }) : Promise.reject(new Error("charts lead nowhere else")),
};

// From what hardly stands out to what stands out most, on each ground.
const LIGHT_RAMP = ["#b4bdd6", "#8aa0e6", "#5b55dd", "#3a1c8c"];
const DARK_RAMP = ["#566090", "#737dd6", "#9c9dff", "#f0efff"];

function script(name) {
  return new Promise((resolve, reject) => {
    const element = document.createElement("script");
    element.src = VENDOR + name;
    element.onload = resolve;
    element.onerror = () => reject(new Error(`${name} cannot be loaded`));
    document.head.append(element);
  });
}

async function load() {
  await script("vega.min.js");
  await script("vega-lite.min.js");
  await script("vega-embed.min.js");
  return (await import(`${VENDOR}vega-interpreter.js`)).expressionInterpreter;
}

function token(name) {
  return getComputedStyle(document.documentElement).getPropertyValue(name).trim();
}

function look() {
  const text = token("--ink-2");
  const line = token("--line");
  const font = token("--sans");
  const colours = [1, 2, 3, 4, 5, 6, 7, 8].map((n) => token(`--series-${n}`));
  return {
    background: "transparent",
    font,
    padding: 4,
    view: { stroke: null },
    axis: {
      domainColor: line, gridColor: line, tickColor: line, labelColor: text, titleColor: text,
      labelFont: font, titleFont: font, labelFontSize: 12, titleFontSize: 12, titleFontWeight: 500,
      tickSize: 4, labelPadding: 6, titlePadding: 10,
    },
    axisX: { grid: false },
    axisY: { domain: false, ticks: false },
    legend: { labelColor: text, titleColor: text, labelFont: font, titleFont: font, labelFontSize: 12, titleFontSize: 12, titleFontWeight: 500 },
    header: { labelColor: text, titleColor: text, labelFont: font, titleFont: font },
    title: { color: token("--ink"), font, fontSize: 13, fontWeight: 600, anchor: "start" },
    range: { category: colours, ramp: isDark() ? DARK_RAMP : LIGHT_RAMP, heatmap: { scheme: "viridis" } },
    mark: { color: colours[0] },
    line: { strokeWidth: 2 },
    point: { size: 36, filled: true },
    bar: { color: colours[0], cornerRadiusEnd: 2 },
    arc: { stroke: token("--surface") },
    rule: { color: text },
    text: { color: text, font },
  };
}

async function draw(figure) {
  const spec = figure.querySelector(".chart-spec").textContent;
  const place = figure.querySelector(".chart-picture");
  if (!place.offsetParent) return; // in a closed tab: drawn when it is shown
  loading ??= load();
  try {
    const expr = await loading;
    const { view } = await globalThis.vegaEmbed(place, JSON.parse(spec), {
      actions: false, renderer: "svg", ast: true, expr, defaultStyle: false, config: look(),
      tooltip: { disableDefaultStyle: true, theme: "kaon" }, loader: LOADER,
    });
    figure.view?.finalize();
    figure.view = view;
    // A stored figure has a width of its own: one that would become too small to read is scrolled instead.
    const width = Number(place.querySelector("svg")?.getAttribute("width") || 0);
    figure.toggleAttribute("data-wide", width > 1.5 * place.clientWidth);
    if (figure.hasAttribute("data-wide")) place.tabIndex = 0;
    figure.dataset.state = "drawn";
  } catch (error) {
    figure.dataset.state = "failed";
    place.textContent = `This picture cannot be drawn: ${error.message}`;
  }
}

function isDark() {
  const theme = document.documentElement.dataset.theme;
  return theme ? theme === "dark" : matchMedia("(prefers-color-scheme: dark)").matches;
}

function drawAll(part) {
  const figures = part.matches?.("[data-chart]") ? [part] : part.querySelectorAll("[data-chart]");
  for (const figure of figures) {
    if (figure.dataset.state !== "drawn" || part === document) draw(figure);
  }
}

const drawHere = (event) => drawAll(event.target instanceof Element ? event.target : document);
drawAll(document);
document.addEventListener("htmx:afterSettle", (event) => drawAll(event.detail.elt));
document.addEventListener("kaon:changed", drawHere);
document.addEventListener("kaon:shown", () => drawAll(document));
document.addEventListener("kaon:theme", () => drawAll(document));
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => drawAll(document));
