"""The agentic mode: steps that depend on what earlier steps found, under budgets, with one report at the end."""
