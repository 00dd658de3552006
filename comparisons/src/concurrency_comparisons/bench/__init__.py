"""The bench: the cost of each way of waiting, measured next to asyncio.

Each contestant (`contestants`) has an environment of its own (`environments`) and runs
in a process of its own (`worker`, `client`). This process only sends requests to those
(`workers`). `measure` pairs the contestants' slices with slices of asyncio, run in the
same seconds. `ratios` computes the statistics of the pairs, `report` writes them down,
and `costs` makes a page of them.
"""
