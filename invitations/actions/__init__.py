"""The only writers of invitations and links, by subject."""
