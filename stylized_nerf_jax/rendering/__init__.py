"""From cameras and fields to pictures: rays, samples, colours, depth."""
