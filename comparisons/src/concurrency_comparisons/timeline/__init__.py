"""Timelines: a lane for each native actor, and one time axis for all.

They are drawn from the stories of the reports, so in virtual time. The same stories
make the same picture, byte for byte. If no time passes in the stories, the axis is the
order of events, with a step for each.

`lanes` turns a story into lanes, `words` tells it, and `scale` is the time axis. From
these, `svg` makes a picture, `chrome` a trace for viewers, and ``screen`` a drawing for
a terminal.
"""
