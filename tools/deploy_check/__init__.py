"""`./run deploy-check`: what can be known about the deployment without a cloud."""
