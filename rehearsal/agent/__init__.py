"""One process per emulated cell that plays the cloud's machines: nodes, autoscaler, kubelet and gateway controller."""
