"""CSS of marimo apps and lessons: ours, and what makes marimo's own parts fit."""

from __future__ import annotations

from medhavi.views.theme import FONT, style_sheet
from medhavi.views.words import worded

_APP_RULES = """
[role="tablist"]{flex-wrap:wrap;height:auto!important;max-height:none!important}
:root{--marimo-text-font:FONT;--marimo-heading-font:FONT}
body,.marimo,.marimo *,.marimo-cell,.marimo-cell *{--background:var(--mv-page)!important;
 --card:var(--mv-card)!important;--border:var(--mv-line)!important;
 --foreground:var(--mv-ink)!important;--muted-foreground:var(--mv-muted)!important;
 --primary:var(--mv-plan)!important;--link:var(--mv-plan)!important;
 --secondary:var(--mv-card)!important;--secondary-foreground:var(--mv-ink)!important;
 --destructive:var(--mv-bad_ink)!important;
 --success:var(--mv-good_ink)!important;--success-foreground:var(--mv-page)!important;
 --success-hover:var(--success)!important;--success-border:var(--success)!important;
 --base-shadow:transparent!important;--base-shadow-darker:transparent!important}
body,#root,#App{background:var(--mv-page)!important}
.marimo-cell{font-size:14px}
.marimo-cell pre{white-space:pre-wrap;overflow-wrap:anywhere}
.marimo-cell .output-area>.output.block{margin-block:8px}
table.caption-bottom td,table.caption-bottom td .truncate,table.caption-bottom td *{
 white-space:normal;text-overflow:clip;overflow-wrap:break-word;min-width:0}
table.caption-bottom td .truncate{overflow:visible}
table.caption-bottom td,table.caption-bottom th{padding-inline:6px!important}
table.caption-bottom td{height:30px;font-size:12px}
table.caption-bottom th .pb-3{padding-bottom:0}
table.caption-bottom th,table.caption-bottom th *{white-space:normal;font-size:12px}
.marimo-cell .mv h1,.marimo-cell .mv h2,.marimo-cell .mv h3{
 font-family:FONT;text-align:left}
body:not(:has(.mv,marimo-progress,.markdown))::before{content:"«opening_the_page»";
 position:fixed;z-index:50;top:64px;left:0;right:0;text-align:center;font:14px FONT;
 color:var(--mv-muted);animation:mv-wait 1.6s ease-in-out infinite alternate}
@keyframes mv-wait{from{opacity:.35}to{opacity:1}}
@media (prefers-reduced-motion:reduce){body::before{animation:none!important}}
form,form *{--amber-1:var(--mv-card)!important;--gray-1:var(--mv-card)!important;
 --amber-7:var(--mv-line)!important;
 --action:var(--mv-plan)!important;--action-hover:var(--mv-plan)!important;
 --action-border:var(--mv-plan)!important;--action-foreground:var(--mv-page)!important}
@media (min-width:641px){[class*="sm:px-16"]{padding-inline:24px!important}
 .mv-framed [class*="sm:px-16"]{padding-inline:12px!important}}
.mv-draw{overflow-x:auto}
.mv-files{display:flex;justify-content:flex-end;gap:4px;zoom:.75}
@media print{.mv-files{display:none}}
.mv-draw marimo-vega{display:block}
.vega-embed{width:100%}
form>.rounded-lg.border{gap:4px;padding:12px 16px}
[data-testid=notebook-actions-dropdown],[data-testid=notebook-menu-dropdown]{opacity:.7}
[class*="text-muted-foreground/"]{color:var(--mv-muted)!important}
[role="tablist"]{background:var(--mv-card)}
.fixed.right-8.z-10000{display:none!important}
@media print,(max-width:640px){
 [data-testid=notebook-actions-dropdown],[data-testid=notebook-menu-dropdown]{display:none}}
@media (max-width:640px){
 .mo-label{max-width:100%;flex-wrap:wrap}
 .mo-label>*{min-width:0;max-width:100%}
 .mo-label button,.mo-label select,.mo-label input{max-width:100%}
 button[aria-haspopup]{height:auto;min-height:24px}
 button[aria-haspopup] span{white-space:normal;text-align:left}
 .border-t:has(>[class*="lg:justify-self-center"]){flex-wrap:wrap}
}
"""
"""What marimo's own pages need beside the style sheet."""


def app_style() -> str:
    """CSS of marimo apps: ours, and marimo's own colours and type."""
    return style_sheet(switch="class") + worded(_APP_RULES).replace("FONT", FONT)
