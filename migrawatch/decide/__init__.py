"""Pure decisions: schedule, streak, blame, incident."""
