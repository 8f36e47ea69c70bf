from stages.small_workspace import whole, workspace

__all__ = ["whole", "workspace"]
