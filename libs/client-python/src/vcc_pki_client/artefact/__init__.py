"""What is signed of an artefact, octet by octet, and what makes such a signature one to rely on. Pure: no files, no network, no clock."""
