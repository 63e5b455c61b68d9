"""Training of networks, behind the extra `torch`; the readers and makers of judged lists do without it."""
