"""HTTP as every revision has it: one path, media types, bodies, event streams, refusals. Knows no session."""
