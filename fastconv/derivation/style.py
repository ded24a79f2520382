"""The style of the page: light and dark, from the width of a phone up; nothing is loaded from elsewhere."""

__all__ = ["STYLE"]

STYLE = """
.derivation { color-scheme: light dark; --ink: #1c2024; --paper: #ffffff; --soft: #5b6470; --line: #d9dee4;
  --good: #14713d; --bad: #b3261e; color: var(--ink); background: var(--paper); font: 16px/1.5 system-ui, sans-serif;
  max-width: 52rem; margin: 0 auto; padding: 1rem; box-sizing: border-box; overflow-wrap: anywhere; }
@media (prefers-color-scheme: dark) {
  .derivation { --ink: #e6e9ec; --paper: #14171a; --soft: #9aa4af; --line: #333a42; --good: #6fcf97; --bad: #ff8a80; }
  html:has(> body > .derivation) { background: #14171a; }
}
body:has(> .derivation) { margin: 0; }
.derivation h1 { font-size: 1.5rem; margin: 0 0 1rem; }
.derivation h2 { font-size: 1.25rem; margin: 2.5rem 0 1rem; border-bottom: 2px solid var(--line); }
.derivation h3 { font-size: 1rem; margin: 0; font-weight: 600; }
.derivation h3 span { color: var(--soft); font-variant-numeric: tabular-nums; margin-right: .5em; font-weight: 500; }
.derivation section { padding: .9rem 0; border-bottom: 1px solid var(--line); }
.derivation p { margin: .25rem 0; }
.derivation .equation { overflow-x: auto; overflow-y: hidden; padding: .5rem 0; font-size: 1.1rem; }
.derivation math { width: max-content; max-width: none; margin: 0; text-align: left; }
.derivation .values { font-variant-numeric: tabular-nums; font-size: .9rem; }
.derivation pre { font: .85rem/1.5 ui-monospace, monospace; white-space: pre-wrap; margin: .25rem 0; }
.derivation .note { color: var(--soft); font-size: .9rem; }
.derivation .passed { color: var(--good); font-size: .9rem; }
.derivation .failed { color: var(--bad); font-size: .9rem; font-weight: 600; }
.derivation .about { display: flex; flex-wrap: wrap; gap: 1rem; margin-bottom: 1rem; }
.derivation .about img { width: 112px; height: 112px; object-fit: contain; image-rendering: pixelated;
  border: 1px solid var(--line); }
.derivation dl { display: grid; grid-template-columns: max-content 1fr; gap: .1rem .8rem; margin: 0; flex: 1 1 14rem;
  font-size: .9rem; }
.derivation dt { color: var(--soft); }
.derivation dd { margin: 0; }
"""
