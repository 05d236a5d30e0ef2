"""How things are computed: attributions, searches, tests and measures that the tools stand on."""
