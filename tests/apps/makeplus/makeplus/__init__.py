"""MakePlus: events, with their programmes and guides."""
