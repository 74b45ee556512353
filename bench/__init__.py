"""Looks per CPU second and seconds to a page, against Debian's peers; and what very many checks cost."""
