"""What reference data looks like in requests and answers, a file for each family of kinds."""
