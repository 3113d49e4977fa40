"""Video files to frames and frames to video files."""
