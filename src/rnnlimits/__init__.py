"""What can a recurrent network learn to remember, and why does it forget?"""

__version__ = "0.1.0"
