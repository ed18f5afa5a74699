"""Compares Lyceum with its peers and with the limits of the machine; scripts/bench runs it."""
