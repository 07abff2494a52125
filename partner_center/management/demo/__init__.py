"""The demo: two partners, their people and customers, and what happened between them in the last forty days."""
