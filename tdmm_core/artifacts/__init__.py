"""HDF5 artifacts: header, digests, resumable writing, one reader and one writer for each kind."""
