"""What is wrong with the DNS records that a domain's mail lives by, over whatever answers questions."""
