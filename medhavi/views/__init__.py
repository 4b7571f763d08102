"""Views turn results into frames, figures and pages; they plan and store nothing."""
