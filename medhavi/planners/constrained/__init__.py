"""Plans that can be carried out: finite material, capacity and lead time (rule 2)."""
