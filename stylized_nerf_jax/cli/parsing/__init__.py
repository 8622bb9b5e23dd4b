"""What commands share of their options, and the config among arguments."""
