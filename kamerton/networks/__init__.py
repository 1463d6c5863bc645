"""The networks, a module a family; `registry` lists them."""
