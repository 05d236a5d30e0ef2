"""The schema of a small made-up domain, in the bank's notation."""

GYM = """
entity = "member"
entities = "members"
[target]
column = "quit"
[classes]
yes = {label = "leaves", aliases = ["quits"]}
no = {label = "stays", favourable = true}
[features]
age = {kind = "integer", low = 16, high = 84, more = ["older"]}
fee = {label = "monthly fee", low = 9.9, high = 120}
sex = {categories = {f = ["female", "women"], m = ["male", "men"]}}
trainer = {kind = "boolean", true = ["with a trainer"]}
"""
