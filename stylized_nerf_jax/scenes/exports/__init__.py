"""What NSVF's tools, phone apps and photogrammetry programs export."""
