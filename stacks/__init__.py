"""The Pulumi programs. Composition and nothing else; `pulumi up` in this project runs `stacks/__main__.py`."""
