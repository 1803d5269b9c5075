"""Studio: a page on this machine where people do with the mouse what the commands do.

A tab is one module: it answers questions at once, as JSON with drawings in SVG, or does work that takes long, as a
generator of `Progress`. The modules beside them know no tab: `server` (HTTP), `guard` (who may ask), `jobs` (one piece
of work after the other), `uploads` (pictures that people bring), `states` (what a page says) and `svg` (drawings). The
page itself is in `static/`.
"""
