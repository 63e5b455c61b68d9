"""What models are asked when labels are made, in our own words."""
