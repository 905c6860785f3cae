"""Many dyads: the three aims, attendance and form courses."""
