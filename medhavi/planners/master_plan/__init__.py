"""Mode optimize: a multi-period linear program in money, decoded into exact orders."""
