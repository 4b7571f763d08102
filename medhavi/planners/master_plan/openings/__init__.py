"""What mode optimize opens of what has an opening cost."""
