"""What the use of lanes costs beside their freight: least loads, lower preferences."""
