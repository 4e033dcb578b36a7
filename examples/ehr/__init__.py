"""A small electronic health record that asks Rolewarden before everything: what an integrator may copy.

people.py      who can sign in, and what patients sent; all of it invented, none of it kept
tasks.py       what is asked before what, and nothing else: the part to copy
pages.py       the pages, which show what `tasks` says
__main__.py    puts them together and serves them, on this machine only
"""
