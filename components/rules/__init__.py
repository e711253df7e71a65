"""What the clouds' APIs refuse and the SDKs let pass, as data: per resource type its name, what cannot change, and the
rules on its inputs. Read by the command line before any engine starts, and by the emulated clouds.
"""
