"""The machine and its processes: progress, disks, signals, caches."""
