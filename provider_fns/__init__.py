"""The provider's triggers: DSP endpoints, management API of assets and offers, task queue, data plane."""
