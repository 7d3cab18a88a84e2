"""What the tests of every floor share."""
