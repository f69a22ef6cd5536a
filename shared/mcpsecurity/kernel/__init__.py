"""What needs Semantic Kernel: an MCP server in a kernel, and the models that the kernel asks."""
