"""Transport: lanes, timetables, itineraries and room on departures."""
