"""Everything that computes on the model: subjects, evidence, the registry, the evaluator and the tools."""
