"""Speed, as ratios against named opponents on the same work in the same run: `make bench`."""
