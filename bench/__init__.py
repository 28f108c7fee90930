"""Speed, measured as ratios in one run: `bin/bench [NAME] [--json]`."""
