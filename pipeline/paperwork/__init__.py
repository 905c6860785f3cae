"""What people write by hand: session.toml, the consent register, forms, small tables."""
