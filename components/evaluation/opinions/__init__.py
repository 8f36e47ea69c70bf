"""Second opinions of a candidate: of an LLM behind an endpoint, and of people. No gate reads them."""
