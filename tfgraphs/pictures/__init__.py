"""Pictures in and out, and what is done with their pixels."""
