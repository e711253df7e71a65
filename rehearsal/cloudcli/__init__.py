"""The clouds' own command lines, as the rehearsal plays them: a closed list of look-ups in the emulated accounts.

Commands and the shape of their answers are the vendors' documented ones; none was compared with a real account. Any
other command is refused by name, so that nothing here can be taken for the tool itself.
"""
