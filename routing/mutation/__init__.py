"""Small changes to rules, to see whether the worked cases notice them."""
