"""What was computed: its key, where it is kept, how it is shown, how it is withdrawn."""
