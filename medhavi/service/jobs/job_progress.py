"""The bar of long work at the bottom of the shell, and its addresses.

One script stands in the shell and in each page: outside frames it draws the bar, inside
it keeps the phase of what the page waits for. Results come by the page's own kernel.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from medhavi.views.words import say, worded

if TYPE_CHECKING:
    from starlette.requests import Request
    from starlette.responses import Response
    from starlette.routing import Route

    from medhavi.service.jobs.job_queue import JobQueue

_RULES = """
.mv-jobs{border-top:1px solid var(--mv-line);background:var(--mv-card);
 padding:6px 16px;display:grid;gap:4px;font-size:13px;z-index:9}
.mv-jobs[hidden]{display:none}
.mv-jobs.alone{position:fixed;left:0;right:0;bottom:0}
.mv-jobs div{display:flex;flex-wrap:wrap;gap:4px 12px;align-items:center}
.mv-jobs .elapsed{font-variant-numeric:tabular-nums;color:var(--mv-muted)}
.mv-jobs button{margin-left:auto}
.mv-jobs summary{cursor:pointer}
.mv-jobs .failed b::before{content:"▲ ";color:var(--mv-bad_ink)}
"""

_SCRIPT = """
(() => {
const framed = window.top !== window;
const style = document.createElement("style");
style.textContent = RULES;
document.head.append(style);
let bar = null, seen = "";
const going = job => job.state === "running" || job.state === "waiting";
const time = s => s < 60 ? Math.floor(s) + " s"
  : Math.floor(s / 60) + " min " + Math.floor(s % 60) + " s";
const words = job => job.stopping ? "stopping" : job.phase || "starting";

function line(job) {
  const row = document.createElement("div"), title = document.createElement("b");
  row.className = job.state;
  title.textContent = job.title;
  const phase = document.createElement("span"), elapsed = document.createElement("span");
  phase.className = "mv-phase";
  phase.textContent = going(job) ? words(job) : job.problem;
  elapsed.className = "elapsed";
  elapsed.textContent = time(job.elapsed_s);
  row.append(title, phase, elapsed);
  if (going(job) && job.stop && !job.stopping) {
    const stop = document.createElement("button");
    stop.className = "mv-button"; stop.dataset.stop = job.job;
    stop.textContent = job.stop;
    row.append(stop);
  }
  if (job.state === "failed") {
    const away = document.createElement("button");
    away.className = "mv-button"; away.dataset.dismiss = job.job;
    away.textContent = "«dismiss»";
    row.append(away);
  }
  return row;
}

// Many jobs are one line; a press unfolds them.
function folded(jobs, rows, unfolded) {
  const all = document.createElement("details"), first = document.createElement("summary");
  const runs = jobs.find(job => job.state === "running") ?? jobs[0];
  const failed = jobs.filter(job => job.state === "failed").length;
  first.textContent = `${jobs.length} jobs, ${failed ? `${failed} failed, ` : ""}`
    + `${runs.title}: ${going(runs) ? words(runs) : runs.problem}`;
  all.open = unfolded;
  all.append(first, ...rows);
  return all;
}

function draw(jobs) {
  // What has no other answer stands on its page; it is no failure of the work.
  const shown = jobs.filter(job => going(job) || job.state === "failed" && !job.final);
  if (!bar) {
    bar = document.createElement("div");
    bar.className = "mv mv-jobs";
    bar.setAttribute("role", "region");
    bar.setAttribute("aria-label", "«work_in_progress»");
    if (!document.querySelector("main.pages")) bar.classList.add("alone");
    document.body.append(bar);
  }
  const text = JSON.stringify(shown.map(job => ({...job, elapsed_s: time(job.elapsed_s)})));
  if (text === seen) return;
  seen = text;
  bar.hidden = !shown.length;
  // A button that is being pressed stays: rows are exchanged, the focus is kept.
  const focus = bar.contains(document.activeElement) ? document.activeElement : null;
  const held = focus?.dataset.stop || focus?.dataset.dismiss;
  const rows = shown.map(line), many = rows.length > 2;
  const unfolded = bar.querySelector("details")?.open ?? false;
  bar.replaceChildren(...many ? [folded(shown, rows, unfolded)] : rows);
  // A bar over the page leaves the foot of the page room.
  if (bar.classList.contains("alone"))
    document.body.style.setProperty("--mv-jobs", bar.offsetHeight + "px");
  if (held)
    bar.querySelector(`[data-stop="${held}"], [data-dismiss="${held}"]`)?.focus();
}

async function look() {
  const waiting = [...document.querySelectorAll("[data-job]")];
  let busy = false;
  if (!document.hidden && (!framed || waiting.length)) {
    try {
      const jobs = await (await fetch(framed ? "/jobs" : "/jobs?seen")).json();
      busy = jobs.some(going);
      if (!framed) draw(jobs);
      // What waits until somebody looks at the page begins when it is shown.
      if (!framed || window.frameElement?.classList.contains("shown"))
        for (const place of waiting)
          if ("whenSeen" in place.dataset) {
            delete place.dataset.whenSeen;
            place.querySelector("[data-again]")?.click();
          }
      for (const place of waiting) {
        const job = jobs.find(one => one.job === place.dataset.job);
        const phase = place.querySelector(".mv-phase");
        const stop = place.querySelector("[data-stop]");
        if (job && stop) {
          stop.hidden = !job.stop;
          if (job.stop) stop.textContent = job.stop;
        }
        if (job && going(job) && phase)
          phase.textContent = `${words(job)}, ${time(job.elapsed_s)}`;
      }
    } catch { /* the server is gone, or comes back */ }
  }
  setTimeout(look, busy ? 250 : 1000);
}

addEventListener("click", event => {
  const button = event.composedPath().find(one => one.tagName === "BUTTON");
  const verb = ["stop", "again", "dismiss"].find(one => button?.dataset[one]);
  if (!verb) return;
  button.disabled = true;
  // Told at once: the server is asked again only in a while.
  const phase = button.closest("[data-job], .mv-jobs div")?.querySelector(".mv-phase");
  if (phase && verb === "stop") phase.textContent = "stopping";
  fetch(`/jobs/${button.dataset[verb]}/${verb}`, {method: "POST"}).then(async answer => {
    if (answer.ok) return;
    const told = (await answer.json()).error;
    if (phase) phase.textContent = told;
    else button.replaceWith(told);
  }).catch(() => { button.disabled = false; });
}, true);
look();
})();
"""

JOBS_SCRIPT = (
    "<script>addEventListener('DOMContentLoaded', () => {"
    + worded(_SCRIPT).replace("RULES", json.dumps(_RULES))
    + "})</script>"
)
"""Script of the shell and of each page."""


def job_routes(queue: JobQueue) -> list[Route]:
    """Routes that list jobs, stop one, put one away and begin one again."""
    from starlette.responses import JSONResponse
    from starlette.routing import Route

    async def listed(request: Request) -> Response:
        # Who polls from elsewhere sees no bar: a failure waits for somebody who does.
        seen = "seen" in request.query_params
        rows = [job.as_dict() for job in queue.jobs(seen=seen)]
        return JSONResponse(rows, headers={"cache-control": "no-store"})

    async def stop(request: Request) -> Response:
        return answer(queue.stop(request.path_params["name"]))

    async def dismiss(request: Request) -> Response:
        return answer(queue.dismiss(request.path_params["name"]))

    async def again(request: Request) -> Response:
        known = queue.find(request.path_params["name"])
        begun = None if known is None else queue.submit(known.request, again=True)
        return answer(begun)

    def answer(job: object) -> Response:
        if job is None:
            text = say("no_such_job_is_known")
            return JSONResponse({"error": text}, status_code=404)
        return JSONResponse(job.as_dict())  # type: ignore[attr-defined]

    return [
        Route("/jobs", listed),
        Route("/jobs/{name}/stop", stop, methods=["POST"]),
        Route("/jobs/{name}/dismiss", dismiss, methods=["POST"]),
        Route("/jobs/{name}/again", again, methods=["POST"]),
    ]
