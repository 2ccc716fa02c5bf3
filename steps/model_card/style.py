"""How a model card looks, in light and in dark, on a desk and in a hand."""

STYLE = """
:root { color-scheme: light dark; --page: #f6f7f9; --paper: #fff; --ink: #1b2430; --soft: #5b6777; --line: #e3e7ec;
  --main: #2f6fdf; --other: #a9b7ca; --good: #1a7f4b; --warn: #a15c00; --good-back: #e3f5eb; --warn-back: #fdf0dd;
  --g1: #2f6fdf; --g2: #c2410c; --g3: #0f8a7e; --g4: #8b46c9; }
@media (prefers-color-scheme: dark) { :root { --page: #10151c; --paper: #181f29; --ink: #e6ebf2; --soft: #9aa7b8;
  --line: #2a3442; --main: #6ea3ff; --other: #4d5b70; --good: #6fd6a0; --warn: #f0b462; --good-back: #15352a;
  --warn-back: #3a2c14; --g1: #6ea3ff; --g2: #ff9a62; --g3: #4fd1c1; --g4: #c99bff; } }
* { box-sizing: border-box; }
body { margin: 0; background: var(--page); color: var(--ink); font: 16px/1.55 system-ui, sans-serif;
  -webkit-text-size-adjust: 100%; }
main { max-width: 1080px; margin: 0 auto; padding: 40px 24px 72px; }
header h1 { font-size: 2rem; line-height: 1.2; margin: 0 0 4px; overflow-wrap: anywhere; }
header p { margin: 0; color: var(--soft); }
code { font: .92em ui-monospace, monospace; overflow-wrap: anywhere; }
.badge { display: inline-block; margin: 0 0 12px; padding: 2px 12px; border-radius: 99px; font-size: .82rem;
  font-weight: 600; color: var(--good); background: var(--good-back); }
.badge.warn { color: var(--warn); background: var(--warn-back); }
.tiles { display: grid; grid-template-columns: repeat(auto-fit, minmax(160px, 1fr)); gap: 12px; margin: 28px 0; }
.tile { background: var(--paper); border: 1px solid var(--line); border-radius: 12px; padding: 14px 16px; }
.tile span { display: block; color: var(--soft); font-size: .82rem; }
.tile b { display: block; font-size: 1.6rem; line-height: 1.3; font-variant-numeric: tabular-nums; }
section { background: var(--paper); border: 1px solid var(--line); border-radius: 12px; padding: 22px 26px 24px;
  margin: 0 0 16px; }
h2 { font-size: 1.18rem; margin: 0 0 10px; }
h3 { font-size: .95rem; margin: 22px 0 6px; color: var(--soft); font-weight: 600; }
p, ul { margin: 0 0 10px; max-width: 74ch; }
ul { padding-left: 1.2em; }
li { margin: 0 0 4px; }
.note, .soft { color: var(--soft); font-size: .9rem; }
.columns { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(100%, 400px), 1fr)); gap: 4px 40px; }
.scroll { overflow-x: auto; margin: 8px 0 4px; }
table { border-collapse: collapse; width: 100%; font-size: .9rem; font-variant-numeric: tabular-nums; }
th { color: var(--soft); font-weight: 600; font-size: .8rem; vertical-align: bottom; }
th, td { padding: 6px 14px 6px 0; border-bottom: 1px solid var(--line); text-align: right; white-space: nowrap; }
th.text, td.text { text-align: left; }
td.text:last-child { white-space: normal; min-width: 220px; }
tr:last-child td { border-bottom: 0; }
.line { display: grid; grid-template-columns: minmax(96px, 170px) 1fr 118px; gap: 12px; align-items: center;
  padding: 5px 0; font-size: .9rem; }
.line small { display: block; color: var(--soft); font-size: .76rem; font-variant-numeric: tabular-nums; }
.line b { font-variant-numeric: tabular-nums; font-weight: 500; }
.line.main b, .line.main .label { font-weight: 700; }
.label { overflow-wrap: anywhere; }
.track { position: relative; display: block; height: 16px; border-radius: 4px; background: var(--line); }
.track i { position: absolute; display: block; }
.bar { left: 0; top: 0; bottom: 0; border-radius: 4px; background: var(--other); }
.main .bar { background: var(--main); }
.whisker { top: 7px; height: 2px; background: var(--ink); opacity: .75; }
figure { margin: 0; }
figcaption { display: flex; flex-wrap: wrap; gap: 2px 16px; font-size: .8rem; color: var(--soft); margin: 2px 0 8px; }
figcaption span::before { content: ""; display: inline-block; width: 9px; height: 9px; border-radius: 50%;
  margin-right: 6px; background: var(--dot); }
svg { width: 100%; max-width: 520px; height: auto; display: block; }
svg text { fill: var(--ink); font: 10px system-ui, sans-serif; }
svg .tick { fill: var(--soft); font-size: 9px; }
svg .title { fill: var(--soft); font-size: 10px; }
svg .name { font-size: 9.5px; }
svg .middle { text-anchor: middle; }
svg .end { text-anchor: end; }
svg .grid { stroke: var(--line); }
.group0 { --dot: var(--ink); } .group1 { --dot: var(--g1); } .group2 { --dot: var(--g2); }
.group3 { --dot: var(--g3); } .group4 { --dot: var(--g4); }
circle { fill: var(--dot); }
.checks { list-style: none; padding: 0; }
.checks li { padding-left: 1.6em; text-indent: -1.6em; }
.holds { color: var(--good); font-weight: 700; } .fails { color: var(--warn); font-weight: 700; }
dl { display: grid; grid-template-columns: max-content 1fr; gap: 4px 18px; margin: 0; font-size: .9rem; }
dt { color: var(--soft); } dd { margin: 0; overflow-wrap: anywhere; }
@media (max-width: 560px) { main { padding: 24px 12px 48px; } section { padding: 18px 16px; border-radius: 10px; }
  header h1 { font-size: 1.6rem; } .tiles { grid-template-columns: 1fr 1fr; gap: 8px; } .tile { padding: 10px 12px; }
  .tile b { font-size: 1.25rem; } .line { grid-template-columns: 1fr auto; gap: 2px 12px; padding: 8px 0; }
  .line .track { grid-column: 1 / -1; order: 3; height: 12px; } .whisker { top: 5px; }
  .line small { display: inline; margin-left: 6px; } }
@media print { body { background: #fff; } section, .tile { break-inside: avoid; } }
""".strip()
