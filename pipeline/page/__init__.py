"""The supervisor's page: what stands on it, drawn and worded; nothing is computed."""
