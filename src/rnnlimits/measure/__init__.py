"""What the probes find on a module of anyone's, and not only on our pages.

`given` makes copies of what the caller has, `modules` finds what of it is a step and a state, `trials` tests
on the input that a measurement would mean something, `subject` does all three, and `quantities` hands what
came of it to the probes.
"""
