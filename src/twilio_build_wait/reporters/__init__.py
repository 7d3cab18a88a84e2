"""Everything that is shown or written: the log, the outputs, the job summary."""
