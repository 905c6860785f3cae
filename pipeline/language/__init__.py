"""What is said: questions, replies and wording cues, from phrase lists."""
