"""Words that made-up texts are made of."""

from __future__ import annotations

_TEXT = """
amber anchor apple april arrow autumn baker bamboo basket beacon bench birch blanket bottle branch breeze
bridge bright brook butter button cabin canal candle canyon carpet cedar chalk cherry circle citrus clay
cloud clover coast cobalt comet copper coral corner cotton crater creek crystal dahlia dawn delta desert
dune early earth east echo ember fabric falcon feather fern field fig finch flint forest fountain fresh
frost garden garnet ginger glass golden granite grape grove harbor harvest hazel heather hill hollow honey
horizon indigo island ivory jasmine juniper kettle lagoon lake lantern larch lark laurel lemon light lilac
linen maple marble marsh meadow mellow mint mist morning moss mountain myrtle narrow nectar north oak ocean
olive orchard orchid otter paper pearl pebble pepper pine planet plain plum pond poplar prairie quarry
quartz quiet rain raven reed ridge river robin rose round saffron sage sand satin scarlet shadow shell shore
silver slate slow soft spring spruce stone storm summer sunny swift thistle thunder tide timber topaz trail
tulip tundra valley velvet violet walnut water west wheat wild willow wind winter wood yarrow zephyr
"""
WORDS = tuple(_TEXT.split())
