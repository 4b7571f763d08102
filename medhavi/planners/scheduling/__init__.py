"""Scheduling: a problem file to a schedule, and a schedule to its risk.

`problem_file` reads and checks, `task_form` turns orders into tasks on machines,
`dispatch` builds a first solution, `optimize.cpsat` improves and proves it,
`assignment_tables` gives tables.
"""
