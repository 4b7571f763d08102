"""Quality of master data: cells that are likely wrong, rows that are likely one."""
