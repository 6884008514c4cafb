"""Lambda: functions, their processes, and Function URLs."""
