"""The recorded log: mirror, amendments, quarantine."""
