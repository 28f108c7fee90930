"""Rows and how they are read and written: functions that take an AsyncSession, one file per noun."""
