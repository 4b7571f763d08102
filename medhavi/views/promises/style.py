"""What the promise desk looks like beside the style sheet of all pages."""

from __future__ import annotations

RULES = """
.mv-options{display:grid;grid-template-columns:repeat(auto-fill,minmax(230px,1fr));
 gap:12px}
.mv-option{display:grid;gap:8px;align-content:start}
.mv-option.chosen{border-color:var(--mv-plan);border-width:2px}
.mv-option dl{display:grid;grid-template-columns:auto 1fr;gap:2px 12px}
.mv-option dt{color:var(--mv-muted);font-size:12px;line-height:21px}
.mv-option dd{margin:0;text-align:right}
.mv-part{display:block;height:4px;border-radius:2px;background:var(--mv-plan);
 margin-left:auto}
.mv-part.late{background:var(--mv-bad)}
.mv-draw.mv-drag{cursor:ew-resize;touch-action:pan-y}
"""
