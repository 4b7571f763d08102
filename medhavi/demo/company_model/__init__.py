"""The demo company: products, plants, lanes, suppliers."""
