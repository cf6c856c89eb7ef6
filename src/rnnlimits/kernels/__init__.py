"""Optional fused time loops for several replicas at once; pure PyTorch stands in where they fail."""
