"""torch and transformers: tokenizers, policies, reward models, logprobs, sampling."""
