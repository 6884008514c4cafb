"""What a person or a scheduler types."""
