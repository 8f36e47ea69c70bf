"""Pure math on tensors. Imports torch alone.

Shapes in names and docstrings: B responses, T response tokens, N pairs. A mask is True at a real token, and what stands
at masked positions never changes a result.
"""
