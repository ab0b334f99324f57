"""What formats share: addresses, times, URLs and JSON values, each read from text, and the regexes that prove them."""
