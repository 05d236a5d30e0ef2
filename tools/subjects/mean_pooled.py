"""A BERT encoder with a linear head on the mean of its last layer; imports torch, so import it only where needed."""

from __future__ import annotations

from typing import Any

import torch
from transformers import BertConfig, BertModel


class MeanPooled(torch.nn.Module):
    """Logits (texts, classes) of token ids and their mask, both (texts, tokens)."""

    def __init__(self, config: BertConfig, classes: int) -> None:
        super().__init__()
        self.bert = BertModel(config, add_pooling_layer=False)
        self.dropout = torch.nn.Dropout(0.1)
        self.classifier = torch.nn.Linear(config.hidden_size, classes)

    def forward(self, input_ids: Any, attention_mask: Any) -> Any:
        """The head's logits for the mean over the tokens that the mask marks."""
        states = self.bert(input_ids=input_ids, attention_mask=attention_mask).last_hidden_state
        weights = attention_mask.to(states.dtype)[:, :, None]
        pooled = (states * weights).sum(1) / weights.sum(1).clamp(min=1)
        return self.classifier(self.dropout(pooled))
