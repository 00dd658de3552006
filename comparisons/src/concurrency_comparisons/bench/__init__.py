"""What each way of waiting costs, measured beside asyncio in the same seconds.

Contestants (`contestants`) live each in an environment of its own (`environments`) and
work in a process of their own (`worker`, `client`), which this one only asks
(`workers`). `measure` pairs their slices with those of asyncio, `ratios` tells what can
be said of the pairs, `report` writes it down, and `costs` makes a page of it.
"""
