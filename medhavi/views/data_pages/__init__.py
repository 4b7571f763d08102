"""What the data page says: findings with their worth, events, differences of files."""
