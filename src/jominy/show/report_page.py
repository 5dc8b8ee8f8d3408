"""The page around a report: its head, its styles."""

from __future__ import annotations

from jominy.show.markup import escaped

_STYLE = """
:root { color-scheme: light dark;
  --text: #1c2126; --faint: #5b646e; --line: #d5dae0; --ground: #ffffff; --head: #f3f5f7; }
@media screen and (prefers-color-scheme: dark) {
  :root { --text: #dfe3e8; --faint: #a3abb5; --line: #39414a; --ground: #15191e; --head: #1f252c; }
}
* { box-sizing: border-box; }
body { margin: 0 auto; padding: 1.5rem 1rem 3rem; max-width: 58rem; color: var(--text); background: var(--ground);
  font: 1rem/1.5 system-ui, sans-serif; overflow-wrap: break-word; }
h1 { font-size: 1.6rem; line-height: 1.25; } h2 { margin-top: 2.2rem; font-size: 1.25rem; } h3 { font-size: 1.05rem; }
p, li { max-width: 46rem; }
.status p { margin: .2rem 0; }
.status { padding: .3rem .8rem; border-left: .25rem solid #0072B2; background: var(--head); }
.note, figcaption, footer { color: var(--faint); font-size: .875rem; }
figure { margin: 1.5rem 0; overflow-x: auto; }
img { display: block; width: 100%; min-width: 30rem; height: auto; }
.wide { overflow-x: auto; margin: 1.2rem 0; }
table { border-collapse: collapse; font-size: .875rem; font-variant-numeric: tabular-nums; }
caption { text-align: left; font-weight: 600; padding-bottom: .3rem; }
th, td { padding: .25rem .7rem; text-align: right; border-bottom: 1px solid var(--line); white-space: nowrap; }
thead th { background: var(--head); } th[scope=row], th:first-child { text-align: left; font-weight: 500; }
td.words { text-align: left; white-space: normal; }
:focus-visible { outline: 2px solid #0072B2; }
@media print {
  body { max-width: none; padding: 0; font-size: 10pt; }
  img { min-width: 0; }
  figure, tr, .status { break-inside: avoid; } h2, h3, caption, thead { break-after: avoid; }
  figure, .wide { overflow: visible; }
  table { font-size: 7.5pt; } th, td { padding: .12rem .3rem; white-space: normal; }
  th[scope=row] { white-space: nowrap; }
  tr:nth-child(-n+2) { break-after: avoid; } tr:nth-last-child(-n+2) { break-before: avoid; }
}
"""
# A page that may load nothing: a browser refuses whatever a mistake of ours would ask of the network.
_POLICY = "default-src 'none'; img-src data:; style-src 'unsafe-inline'"


def page(title: str, body: str) -> str:
    """A whole HTML document of a title and what comes under it."""
    return f"""<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="{_POLICY}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{escaped(title)}</title>
<style>{_STYLE}</style>
</head>
<body>
<header><h1>{escaped(title)}</h1></header>
<main>
{body}
</main>
<footer><p>Made by jominy. This page is complete in itself: it loads nothing.</p></footer>
</body>
</html>
"""
