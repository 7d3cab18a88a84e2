"""What the tests of every level share."""
