"""How sure a study's figures are, and what they answer.

`intervals` over seeds and `resampling` of test rows say how sure one figure is, `paired`
compares two, `holm` makes up for comparing many, and `answer` puts a study's answer into
words (`wording`).
"""
