"""What behavioural tests ask of the product: the one place that knows where it is.

Tests import from here and from `medhavi.results`, `medhavi.snapshot`, `medhavi.units`
and `medhavi.findings`; where a planner lives inside is nobody else's business.
"""

from __future__ import annotations

from medhavi.demo import aurora
from medhavi.demo.aurora import SCALES, generate
from medhavi.edits import apply as apply_edits
from medhavi.edits import changes
from medhavi.edits.edit import KINDS, edit
from medhavi.edits.edited_order import EditedPlan
from medhavi.events.envelope import (
    COLUMNS,
    MAX_PAYLOAD_BYTES,
    NewEvent,
    RecordedEvent,
    arrow_schema,
    from_microseconds,
    parse_stream,
    rows_to_arrow,
    stream_name,
    to_arrow,
    to_microseconds,
)
from medhavi.events.event_types.catalog import (
    MASTER,
    TYPES,
    UndecodableEvent,
    decode,
    master_event,
    new_event,
    stream_for,
)
from medhavi.events.kurrent_store.kurrent import KurrentStore
from medhavi.events.memory import JsonlStore, MemoryStore, system_clock
from medhavi.events.sqlite import SqliteStore
from medhavi.events.store import (
    ANY,
    NO_STREAM,
    BulkStore,
    EventFilter,
    EventStore,
    StoreUnreachable,
    audit,
)
from medhavi.events.urls import open_store
from medhavi.lakehouse import Lake, QueryLimits
from medhavi.planners.edit_price import edit_price, planned_without
from medhavi.planners.execution_risk.plan_risk import plan_risk
from medhavi.planners.late_remedies.remedy_trials import remedies
from medhavi.planners.net_change.retained_run import RetainedRun
from medhavi.planners.parameters import (
    EFFORTS,
    ConstrainedParameters,
    MrpParameters,
    OptimizeParameters,
)
from medhavi.planners.pipeline import plan, plan_to_build_on
from medhavi.planners.promising.promise_ledger import PromiseLedger
from medhavi.planners.promising.promise_run import answer, answer_on, promise, quote_all
from medhavi.planners.promising.quoting import quote
from medhavi.planners.promising.standing_promises import standing_promises
from medhavi.planners.promising.supply_search.requests import (
    Request,
    columns,
    read_requests,
)
from medhavi.planners.promising.what_if import (
    asked_again,
    book_with,
    changed,
    rebuilt,
)
from medhavi.planners.replenishment.replenishing import replenish
from medhavi.planners.replenishment.safety_stock import safety_stock
from medhavi.planners.scheduling.problem_file import chosen_objectives, read_problem
from medhavi.planners.scheduling.solve import solve
from medhavi.predict.master_data.cell_history import CHANGES, CellHistory
from medhavi.predict.master_data.doubtful_values import DoubtSettings, doubtful_values
from medhavi.predict.master_data.duplicates import DuplicateSettings, likely_duplicates
from medhavi.predict.master_data.like_rows import LikeRows, like_rules
from medhavi.predict.master_data.likelihood import MistakeKind
from medhavi.predict.recipe import QUANTILES, TrainingRecipe, read_recipe
from medhavi.progress import Progress
from medhavi.providers import Providers
from medhavi.providers.sources import OrderTiming, StepWindow
from medhavi.results.difference import compare
from medhavi.results.plans.lateness import late_demands
from medhavi.results.verify import verify
from medhavi.service.data_source import DataSource
from medhavi.service.page_data import PageData, PageProblem, load_data
from medhavi.service.plan_pages.approver_names import (
    Approver,
    last_approver,
    remember_approver,
)
from medhavi.snapshot.reading.request_rows import (
    WrittenRequests,
    raw_requests,
)
from medhavi.units import lineage
from medhavi.views.names import Names, names_of
from medhavi.views.page import trust_line
from medhavi.views.plan_pages.meeting_pack import meeting_pack, pack_sections
from medhavi.views.theme import DARK, LIGHT
from medhavi.workbench import Workbench
from medhavi.workbench.commitments.commit_answer import Commit, CommitStatus, gives_way
from medhavi.workbench.commitments.decisions import Override
from medhavi.workbench.files.table_files import TableFiles, read_files
from medhavi.workbench.files.template_files import (
    write_csv_template,
    write_xlsx_template,
)
from medhavi.workbench.plan_in_force import dated_by_plan, renewed_plan
from medhavi.workbench.promise_desk.promise_desk import PromiseDesk
from medhavi.workbench.promise_desk.promise_effect import (
    promise_effect,
    promised_rows,
)
from medhavi.workbench.promise_desk.promise_records import (
    promise_events,
    promise_records,
    quotation_numbers,
)
from medhavi.workbench.promise_desk.repromising import ALL, record_risks, repromise
from medhavi.workbench.shared_desk import SharedDesk, SharedWorkbench
from medhavi.workbench.studies.scenario_list import SavedScenario, scenarios_of
from tests import ground_truth

apply = PromiseLedger.take
revert = PromiseLedger.give_back

__all__ = [
    "ALL",
    "ANY",
    "CHANGES",
    "COLUMNS",
    "DARK",
    "EFFORTS",
    "KINDS",
    "LIGHT",
    "MASTER",
    "MAX_PAYLOAD_BYTES",
    "NO_STREAM",
    "QUANTILES",
    "SCALES",
    "TYPES",
    "Approver",
    "BulkStore",
    "CellHistory",
    "Commit",
    "CommitStatus",
    "ConstrainedParameters",
    "DataSource",
    "DoubtSettings",
    "DuplicateSettings",
    "EditedPlan",
    "EventFilter",
    "EventStore",
    "JsonlStore",
    "KurrentStore",
    "Lake",
    "LikeRows",
    "MemoryStore",
    "MistakeKind",
    "MrpParameters",
    "Names",
    "NewEvent",
    "OptimizeParameters",
    "OrderTiming",
    "Override",
    "PageData",
    "PageProblem",
    "Progress",
    "PromiseDesk",
    "PromiseLedger",
    "Providers",
    "QueryLimits",
    "RecordedEvent",
    "Request",
    "RetainedRun",
    "SavedScenario",
    "SharedDesk",
    "SharedWorkbench",
    "SqliteStore",
    "StepWindow",
    "StoreUnreachable",
    "TableFiles",
    "TrainingRecipe",
    "UndecodableEvent",
    "Workbench",
    "WrittenRequests",
    "answer",
    "answer_on",
    "apply",
    "apply_edits",
    "arrow_schema",
    "asked_again",
    "audit",
    "aurora",
    "book_with",
    "changed",
    "changes",
    "chosen_objectives",
    "columns",
    "compare",
    "dated_by_plan",
    "decode",
    "doubtful_values",
    "edit",
    "edit_price",
    "from_microseconds",
    "generate",
    "gives_way",
    "ground_truth",
    "last_approver",
    "late_demands",
    "like_rules",
    "likely_duplicates",
    "lineage",
    "load_data",
    "master_event",
    "meeting_pack",
    "names_of",
    "new_event",
    "open_store",
    "pack_sections",
    "parse_stream",
    "plan",
    "plan_risk",
    "plan_to_build_on",
    "planned_without",
    "promise",
    "promise_effect",
    "promise_events",
    "promise_records",
    "promised_rows",
    "quotation_numbers",
    "quote",
    "quote_all",
    "raw_requests",
    "read_files",
    "read_problem",
    "read_recipe",
    "read_requests",
    "rebuilt",
    "record_risks",
    "remedies",
    "remember_approver",
    "renewed_plan",
    "replenish",
    "repromise",
    "revert",
    "rows_to_arrow",
    "safety_stock",
    "scenarios_of",
    "solve",
    "standing_promises",
    "stream_for",
    "stream_name",
    "system_clock",
    "to_arrow",
    "to_microseconds",
    "trust_line",
    "verify",
    "write_csv_template",
    "write_xlsx_template",
]
