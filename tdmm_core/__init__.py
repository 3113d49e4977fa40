"""tdmm: words into facial motion and facial motion into words."""
