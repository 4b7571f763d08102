"""The data page: findings, events, files of one's own, where a figure comes from."""
