"""What must leave the house: rows written with the business, delivered until it is done."""
