"""The office's page: the day's pressing matters, cases, campaigns, figures; and the case page."""
