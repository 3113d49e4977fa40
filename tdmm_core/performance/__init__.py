"""What faces do, in words and curves."""
