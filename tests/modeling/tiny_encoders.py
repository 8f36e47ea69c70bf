"""A BERT with few random weights and a vocabulary of its own."""

import string

import torch
from modeling.tiny_models import SPREAD, TEXTS
from tokenizers import Tokenizer, models, normalizers, pre_tokenizers
from transformers import BertConfig, BertForMaskedLM, BertForSequenceClassification, PreTrainedTokenizerFast

SPECIAL = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]


def encoder_tokenizer():
    """Whole words of the tests' texts, and any other word letter by letter."""
    letters = sorted(set(string.ascii_lowercase + string.digits + string.punctuation))
    words = sorted({word for text in TEXTS[:3] for word in text.split()} - {"a"})
    pieces = [*SPECIAL, *letters, *(f"##{letter}" for letter in letters), *words]
    vocabulary = {piece: number for number, piece in enumerate(pieces)}
    model = Tokenizer(models.WordPiece(vocab=vocabulary, unk_token=SPECIAL[1]))
    model.normalizer = normalizers.BertNormalizer()
    model.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    names = ("pad_token", "unk_token", "cls_token", "sep_token", "mask_token")
    return PreTrainedTokenizerFast(tokenizer_object=model, **dict(zip(names, SPECIAL, strict=True)))


def encoder(labels: int | None = 1, positions: int = 64):
    """With a classification head of `labels` logits; None: as pretraining leaves it, without one."""
    torch.manual_seed(0)
    config = BertConfig(
        vocab_size=len(encoder_tokenizer()),
        hidden_size=16,
        num_hidden_layers=2,
        num_attention_heads=2,
        intermediate_size=32,
        max_position_embeddings=positions,
        initializer_range=SPREAD,
        **({} if labels is None else {"num_labels": labels}),
    )
    return BertForMaskedLM(config) if labels is None else BertForSequenceClassification(config)


def saved_encoder(folder, **shape):
    """A folder as `save_pretrained` writes it."""
    encoder(**shape).save_pretrained(folder)
    encoder_tokenizer().save_pretrained(folder)
    return folder
