"""A causal language model in this process, as a LangChain chat model whose tool calls a grammar keeps valid."""
