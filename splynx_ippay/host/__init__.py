"""What the host is told about us, and whether all is well. Imported by cli and admin; never by the core."""
