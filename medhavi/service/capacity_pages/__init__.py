"""The capacity page: what it shows, and the edits that it prices."""
