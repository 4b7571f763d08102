"""What a person sees: words, numbers, pictures and pages, made from results alone."""
