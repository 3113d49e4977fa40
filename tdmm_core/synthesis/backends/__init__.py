"""Generators of video: diffusers pipelines, other projects' launchers, a web service; each behind the protocol of `generation`."""
