"""What the claims report needs, and no other check gives: runs that refute a sentence of a document."""
