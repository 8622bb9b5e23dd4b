"""What is measured: pictures, sequences, poses, and the report of it."""
